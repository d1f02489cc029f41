"""A user's own file: loaded from anywhere, and refused in one line that names the file and its line."""

import pytest

from experiments.ablations import load
from experiments.spec import SpecError

MINE = """
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, RunSpec

ABLATION = Ablation(
    name="mine",
    question="Does leaky ReLU do better?",
    factors=("net.activation",),
    baseline="relu",
    base=RunSpec(net=NetSpec("resnet20"), data=DataSpec("digits")),
    variants=(
        Variant("relu", "ReLU", {"net.activation": "relu"}),
        Variant("leaky", "leaky ReLU", {"net.activation": "leaky_relu"}),
    ),
    profiles={"quick": Profile(seeds=2, epochs=1)},
)
"""


def test_a_file_of_a_users_own_is_an_ablation_like_any_other(tmp_path):
    assert len(MINE.strip().splitlines()) <= 20
    (tmp_path / "mine.py").write_text(MINE)
    specs = load(str(tmp_path / "mine.py")).specs("quick")
    assert [spec.net.options["activation"] for spec in specs.values()] == ["relu", "leaky_relu"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINE.replace("name=", "name ="), None),
        (MINE.replace("Ablation(", "Ablation((", 1), r"mine\.py, line \d+: "),
        (MINE.replace("ABLATION", "mine"), r"mine\.py defines no ABLATION; it must say ABLATION = Ablation\(\.\.\.\)"),
        (MINE + "ABLATION = 3\n", r"mine\.py defines an ABLATION that is a int"),
        (MINE.replace("Profile,", "Profil,"), r"mine\.py, line 2: ImportError: cannot import name 'Profil'"),
        (MINE.replace('"leaky_relu"', '"relu"'), r"line 5: mine/leaky does not differ from the baseline relu"),
        (MINE.replace("net.activation", "net.activatoin"), r"mine\.py, line 5: resnet20 has no option 'activatoin'"),
        ("1 / 0", r"mine\.py, line 1: ZeroDivisionError: division by zero"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(text, words, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    if words is None:
        assert load(str(tmp_path / "mine.py")).name == "mine"
        return
    with pytest.raises(SpecError, match=words) as error:
        load(str(tmp_path / "mine.py"))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"there is no file .*nowhere\.py; give a Python file that defines ABLATION"):
        load(str(tmp_path / "nowhere.py"))
