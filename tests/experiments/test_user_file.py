"""A user's own file: loaded from anywhere, and refused in one line that names the file and its line."""

import json
import os
import sys
from dataclasses import asdict

import pytest

import nets
from experiments import user_file
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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '("net.activation",)',
            '"net.activation"',
            "factors must be a tuple of text or a Factor, not 'net.activation'",
        ),
        ('Variant("relu", "ReLU", ', 'dict(a="relu", b="ReLU", c=', "variants must be a tuple of Variant, not "),
        ('{"quick": Profile(seeds=2, epochs=1)}', "[Profile(2)]", "profiles must be a dict of Profile by text, not "),
        ('{"quick": Profile(seeds=2, epochs=1)}', "{}", "mine has no profile; give at least one"),
        ('RunSpec(net=NetSpec("resnet20"), data=DataSpec("digits"))', "3", "base must be a RunSpec, not 3"),
        ('NetSpec("resnet20")', '"resnet20"', "ABLATION, base: net must be a NetSpec, not 'resnet20'"),
        ('{"net.activation": "leaky_relu"}', "3", "variants leaky: changes must be a dict of anything by text, not 3"),
        ('"leaky ReLU"', "None", "ABLATION, variants leaky: label must be a text, not None"),
        ('name="mine"', "name=3", "ABLATION: name must be a text, not 3"),
        ("seeds=2", "seeds=0", "the seeds of profile quick must be a whole number from 1 to 10,000, not 0"),
        ("seeds=2", "seeds=1.5", "the seeds of profile quick must be a whole number from 1 to 10,000, not 1.5"),
        ("epochs=1", "epochs=0", "a length in epochs is a number above 0, not 0"),
        ('question="', 'qestion="', "TypeError: Ablation.__init__() got an unexpected keyword argument 'qestion'"),
        ('baseline="relu"', 'baseline="relu", kind="one"', "the kind 'one' is not one of one_factor, parts"),
        ('baseline="relu"', 'baseline="relu", published="none"', "published 'none' is not one of he2016_table1"),
        ('"digits"', '"digit"', "unknown data set 'digit'; choose from digits"),
        ('"leaky_relu"', '"leaky"', "mine/leaky: net.activation cannot be 'leaky'; resnet20 takes relu, "),
    ],
)
def test_a_field_that_cannot_be_is_named_in_one_line(old, new, words, tmp_path):
    assert old in MINE
    (tmp_path / "mine.py").write_text(MINE.replace(old, new))
    with pytest.raises(SpecError) as error:
        load(str(tmp_path / "mine.py"))
    assert words in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'mine.py'}, line 5: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"there is no file .*nowhere\.py; give a Python file that defines ABLATION"):
        load(str(tmp_path / "nowhere.py"))


NET = """
import torch
from torch import nn
import nets
from helper_of_mine import SCALE
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, RunSpec

@nets.register("NAME")
class Mine(nn.Module):
    def __init__(self, num_classes: int = 10, scale: float = SCALE):
        super().__init__()
        self.fc, self.scale = nn.Linear(64, num_classes), scale

    def forward(self, x):
        return self.fc(x.flatten(1)) * self.scale

ABLATION = Ablation(
    name="mine", question="?", factors=("net.scale",), baseline="one",
    base=RunSpec(net=NetSpec("NAME"), data=DataSpec("digits")),
    variants=(Variant("one", "one", {"net.scale": 1.0}), Variant("two", "two", {"net.scale": 2.0})),
    profiles={"quick": Profile(seeds=2, epochs=1)},
)
"""


@pytest.fixture
def with_net(tmp_path, monkeypatch):
    """A file with a net and a helper module in a folder of its own."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "helper_of_mine", raising=False)
    path = tmp_path / "with_net.py"
    path.write_text(NET.replace("NAME", f"net_{tmp_path.name}"))
    (tmp_path / "helper_of_mine.py").write_text("SCALE = 1.0  # a constant\n")
    return path


def test_a_file_may_define_its_net_and_import_from_its_folder(with_net):
    ablation = load(str(with_net))
    name = ablation.base.net.name
    assert name in nets.names()
    assert nets.build(name, scale=2.0).scale == 2.0
    assert ablation.file == user_file.identify(with_net)
    assert load(str(with_net)).base == ablation.base  # a second time: the same module


def test_the_digest_is_of_what_the_file_and_its_helpers_define(with_net):
    before = user_file.digest_of(with_net)
    text, helper = with_net.read_text(), with_net.with_name("helper_of_mine.py")
    for same in (
        text + "\n# a remark\n",
        text.replace("quick", "long"),
        text.replace("1.0}), Variant", "1.0}),  Variant"),
    ):
        with_net.write_text(same)
        assert user_file.digest_of(with_net) == before
    helper.write_text("SCALE = 1.0\n")
    assert user_file.digest_of(with_net) == before
    helper.write_text("SCALE = 3.0\n")
    assert user_file.digest_of(with_net) != before
    helper.write_text("SCALE = 1.0\n")
    with_net.write_text(text.replace("* self.scale", "/ self.scale"))
    assert user_file.digest_of(with_net) != before


def test_a_file_that_changed_since_a_run_is_refused(with_net, tmp_path):
    file = user_file.identify(with_net)
    run = tmp_path / "run"
    user_file.check_unchanged(run, file)  # has not started
    run.mkdir()
    (run / "env.json").write_text(json.dumps({"file": asdict(file)}))
    user_file.check_unchanged(run, file)
    with_net.write_text(with_net.read_text().replace("* self.scale", "/ self.scale"))
    with pytest.raises(
        SpecError, match=r"with_net.py has changed since .*run was trained with it; restore it, or"
    ) as e:
        user_file.check_unchanged(run, user_file.identify(with_net))
    assert "\n" not in str(e.value)
    with pytest.raises(SpecError, match="changed after the runs were planned; run the command again"):
        user_file.import_file(file)


def test_a_helper_never_hides_a_module_of_pythons_own(with_net):
    with_net.with_name("json.py").write_text("raise RuntimeError")
    with_net.write_text("import json\n" + with_net.read_text())
    assert load(str(with_net)).name == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit(3)", r"mine\.py, line 2: it ends the program \(SystemExit\)"),
        ("import nowhere_to_be_found", r"mine\.py, line 1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("import broken_helper", r"broken_helper\.py, line 1: "),
        ("import failing_helper", r"failing_helper\.py, line 2: ZeroDivisionError"),
        (
            "import nets\nnets.register('resnet20', lambda: None)",
            r"mine\.py, line 2: .*there is a net 'resnet20'",
        ),
        ("ABLATION = [", r"mine\.py, line 1: "),
        (b"\xff\xfe", r"mine\.py"),
        (b"x = 1\0", r"mine\.py"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(text, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "broken_helper.py").write_text("def f(:\n")
    (tmp_path / "failing_helper.py").write_text("x = 1\ny = x / 0\n")
    (tmp_path / "mine.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError, match=words) as error:
        load(str(tmp_path / "mine.py"))
    assert "\n" not in str(error.value)


def test_two_files_with_a_net_of_one_name(with_net, tmp_path):
    load(str(with_net))
    other = tmp_path / "other.py"
    other.write_text(with_net.read_text())
    with pytest.raises(SpecError, match=r"other.py, line \d+: ValueError: there is a net '.*' already; register yours"):
        load(str(other))


def test_a_file_whose_name_is_no_python(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(SpecError, match=r"mine\.txt is not a Python file: its name must end in \.py"):
        load(os.fspath(tmp_path / "mine.txt"))
