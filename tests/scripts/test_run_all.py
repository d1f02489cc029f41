"""All ablations in one command; a user's file by its path; the lists that train nothing."""

import sys
from pathlib import Path

import pytest
import tyro

from experiments import ablations
from experiments.planning import estimate

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "run_ablation.py"
MINE = """
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, RunSpec

ABLATION = Ablation(
    name="mine",
    question="Does leaky ReLU do better?",
    factors=("net.activation",),
    baseline="relu",
    base=RunSpec(net=NetSpec("lenet"), data=DataSpec("digits", image_size=16)),
    variants=(
        Variant("relu", "ReLU", {"net.activation": "relu"}),
        Variant("leaky", "leaky ReLU", {"net.activation": "leaky_relu"}),
    ),
    profiles={"short": Profile(seeds=2, changes={"recipe.flip": False}, epochs=1)},
)
"""


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(SCRIPT.parent))
    import run_ablation

    sys.path.remove(str(SCRIPT.parent))
    return run_ablation


@pytest.fixture
def ended(script, capsys, monkeypatch):
    """Exit status, output and errors of the command with these words."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(estimate, "seconds_per_image", lambda spec: 1e-3)

    def run(*words):
        status = script.main(tyro.cli(script.Args, args=[str(word) for word in words]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_all_continues_after_a_failure_and_ends_in_one_table(script, ended, monkeypatch, tmp_path):
    asked = []

    def run_one(console, args):
        asked.append((args.name, args.profile))
        if args.name == "densenet":
            raise MemoryError("no room")
        return (2, "no such data") if args.name == "highway" else (0, "8 of 8 runs")

    monkeypatch.setattr(script, "run_one", run_one)
    status, text, err = ended("--all", "--out", tmp_path)
    assert asked == [(name, "smoke") for name in ablations.names()]
    assert status == 1
    assert "MemoryError: no room" in err
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith(ablations.names())}
    assert set(rows) == set(ablations.names())
    assert "failed" in rows["densenet"]
    assert "refused" in rows["highway"]
    assert "done" in rows["mobilenet"]


def test_all_trains_to_tables(ended, monkeypatch, tmp_path):
    nowhere = str(tmp_path / "nowhere.py")
    monkeypatch.setattr(ablations, "names", lambda: ("alexnet_activation", nowhere, "mnist_basics"))
    status, text, err = ended("--all", "--epochs", "0.1", "--seeds", "1", "--jobs", "1", "--out", tmp_path)
    assert status == 2
    assert f"there is no file {nowhere}" in err
    for name, runs in (("alexnet_activation", 4), ("mnist_basics", 5)):
        assert list((tmp_path / name / "results").glob("smoke-*/table.md"))
        assert f"{name}" in text
        assert f"done     {runs} of {runs} runs" in text
        assert f'href="{name}/results/' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert str(tmp_path / "index.md") in text.replace("\n", "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--all", "--depth", "20"], "--all takes no --depth"),
        (["--all", "--dataset", "cifar10"], "--all takes no --dataset"),
        (["--all", "highway"], "give either --all or highway"),
        (["nowhere/mine.py"], "nowhere/mine.py; give a Python file that defines ABLATION"),
        (
            ["resnet_downsample", "--profile", "paper"],
            "trains on ImageNet; name your copy with --dataset imagefolder:PATH",
        ),
        (["resnet_downsample", "--dataset", "imagefolder:/nowhere"], "/nowhere has no folder train/"),
        (["resnet_depth", "--depth", "44"], "net.name is the factor of this ablation"),
        (["nowhere", "--cells"], "unknown ablation 'nowhere'"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(words, line, ended):
    status, _, err = ended(*words)
    assert status == 2
    assert line in err
    assert len(err.strip().splitlines()) == 1


def test_a_users_file_runs_to_its_table_in_its_own_profile(ended, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    status, text, _ = ended(tmp_path / "mine.py", "--jobs", "1", "--out", tmp_path / "runs")
    assert status == 0
    assert "4 runs: profile short, lenet on digits" in text
    assert (tmp_path / "runs" / "mine" / "results" / "short" / "table.md").exists()
    (tmp_path / "mine.py").write_text(MINE + "SCALE = 2\n")  # a line that may change what the runs compute
    status, _, err = ended(tmp_path / "mine.py", "--jobs", "1", "--out", tmp_path / "runs")
    assert status == 2
    assert "mine.py has changed since" in err
    assert "restore it, or train in another folder (--out)" in err
    assert len(err.strip().splitlines()) == 1


def test_cells_counts_them_and_names_those_without_a_counterpart(ended):
    """He et al. 2015, Table 6: the net of 1202 layers is not run; that of 110 has a best, a mean and a spread."""
    status, text, _ = ended("resnet_depth", "--cells")
    assert status == 0
    assert "resnet_depth (he2015_table6): compared with 5 published cells; 12 without a counterpart:" in text
    assert "residual1202, ResNet-1202 on CIFAR-10: 7.93 % (unstated)" in text
    assert "residual110, ResNet-110 on CIFAR-10: 6.43 % (best)" in text
    assert "lenet4, LeNet-4 on MNIST: 1.1 % (single, not confirmed)" in ended("mnist_basics", "--cells")[1]
    assert "alexnet_parts (krizhevsky2012_parts): compared with 0 published cells and 6" in ended("--cells")[1]
