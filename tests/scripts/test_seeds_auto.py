"""Seeds on demand as a user gives the command: decided variants get no more, a killed study makes the same looks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tyro

from analysis import logs
from analysis.results.findings import Findings
from experiments.planning import plan_file

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "run_ablation.py"
# Without a learning rate nothing is learnt, which four seeds show; a billionth more of it is lost in float32.
OWN = """
from experiments.ablation import Ablation, Profile, Variant
from experiments.settings import DIGITS
from experiments.spec import NetSpec, RunSpec

ABLATION = Ablation(
    name="rates",
    question="How fast?",
    factors=("recipe.learning_rate",),
    baseline="usual",
    base=RunSpec(net=NetSpec("resnet8")),
    variants=(
        Variant("usual", "usual", {"recipe.learning_rate": 0.05}),
        Variant("none", "none", {"recipe.learning_rate": 1e-8}),
        Variant("similar", "similar", {"recipe.learning_rate": 0.05 + 1e-12}),
    ),
    profiles={"smoke": Profile(seeds=3, changes=DIGITS, epochs=1)},
)
"""
ROUNDS = [
    "Next: 4 seeds of usual and 2 undecided variants, 12 runs more.",
    "After 4 seeds: none worse; undecided: similar. Next: 6 seeds of usual and 1 undecided variant, 4 runs more.",
    "After 6 seeds: none worse; undecided: similar. Stopped: 6 seeds are the most that --max-seeds allows.",
]


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(SCRIPT.parent))
    import run_ablation

    sys.path.remove(str(SCRIPT.parent))
    return run_ablation


@pytest.fixture
def ended(script, capsys, monkeypatch):
    """Exit status, output and errors of the command with these words."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        status = script.main(tyro.cli(script.Args, args=[str(word) for word in words]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def words_of(folder: Path) -> list[object]:
    (folder / "mine.py").write_text(OWN)
    return [folder / "mine.py", "--seeds", "auto", "--max-seeds", "6", "--jobs", "1", "--out", folder / "runs"]


def rounds_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("Next: ", "After "))]


def without_counts(lines: list[str]) -> list[str]:
    """Each line once, without the number of runs that a round has left."""
    return list(dict.fromkeys(re.sub(r"\d+ runs? more", "more", line) for line in lines))


def findings_of(folder: Path) -> Findings:
    return Findings.from_frames(*logs.load(folder / "runs"))


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A study from its first run to its table, in a process of its own: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("grown")
    call = [sys.executable, str(SCRIPT), *map(str, words_of(folder))]
    done = subprocess.run(call, capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_decided_variant_gets_no_more_seeds_and_each_look_is_one_line(grown):
    folder, output = grown
    assert rounds_in(output) == ROUNDS
    runs, _ = logs.load(folder / "runs")
    assert runs.groupby("variant")["seed"].max().to_dict() == {"none": 3, "similar": 5, "usual": 5}
    assert (folder / "runs/rates/results/smoke-seeds_auto/report.html").exists()
    assert [len(plan) for plan in plan_file.read(folder / "runs/rates").values()] == [16]  # --status waits for no more


def test_the_logs_alone_give_the_verdict_of_the_command(grown):
    folder, output = grown
    found = findings_of(folder)
    assert found.study.declared.rounds.looks == (4, 6)
    assert found.problems == ()  # variants that stopped early lack no seed
    shown = " ".join(output.split())
    assert all(" ".join(line.split()) in shown for line in found.verdict.texts())
    assert found.variants.loc["none", "reading"] == "worse"
    assert found.variants.loc["none", "pairs"] == 4


def test_the_same_command_again_trains_nothing(grown, ended):
    before = findings_of(grown[0])
    status, output, _ = ended(*words_of(grown[0]))
    assert status == 0
    assert rounds_in(output) == ROUNDS[-1:]
    pd.testing.assert_frame_equal(findings_of(grown[0]).variants, before.variants)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--max-seeds", "8"], "under the plan --max-seeds 6, which must not change once runs were looked at: keep"),
        (["--max-seeds", "3"], "--max-seeds must be from 4 to 100, not 3"),
        (["--max-hours", "0"], "--max-hours must be above 0, not 0"),
        (["--wandb", "disabled"], "W&B must not be disabled"),
        (["--variants", "fast"], "rates has no variant 'fast'"),
    ],
)
def test_what_a_growing_study_does_not_take(grown, ended, changed, said):
    status, _, errors = ended(*words_of(grown[0]), *changed)
    assert status == 2
    assert said in errors
    assert errors.count("\n") == 1


def test_a_first_round_beyond_the_hours_is_refused_before_anything_trains(ended, tmp_path):
    status, _, errors = ended(*words_of(tmp_path), "--max-hours", "1e-6")
    assert status == 2
    assert re.fullmatch(r"run_ablation: nothing was trained: the next round, 12 runs, would take about .*\n", errors)
    assert "and so pass --max-hours 1e-06; the same command with more hours continues" in errors
    assert not list(tmp_path.rglob("*.wandb"))


def test_chosen_variants_come_with_the_baseline(ended, tmp_path):
    status, output, _ = ended(*words_of(tmp_path), "--variants", "similar", "--dry-run")
    assert status == 0
    assert "at most 12 runs" in output
    assert "looks after 4 and 6 seeds; 8 runs in the first round, at most 12 in all" in " ".join(output.split())
    assert "rates/usual/seed5" in output


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 13])
def test_a_killed_study_makes_the_same_looks_and_runs_and_comes_to_the_same_verdict(grown, ended, tmp_path, runs):
    """Killed in the first round and in the second one."""
    call = [sys.executable, str(SCRIPT), *map(str, words_of(tmp_path))]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 500
    while len(list(tmp_path.rglob("checkpoint.pt"))) <= runs:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    said = rounds_in(process.communicate()[0])
    status, output, _ = ended(*words_of(tmp_path))
    assert status == 0
    assert without_counts([*said, *rounds_in(output)]) == without_counts(ROUNDS)
    whole, resumed = findings_of(grown[0]), findings_of(tmp_path)
    assert resumed.verdict == whole.verdict
    left_out = ["minutes", "run_ids"]
    pd.testing.assert_frame_equal(resumed.variants.drop(columns=left_out), whole.variants.drop(columns=left_out))
    assert resumed.variants["run_ids"].tolist() == whole.variants["run_ids"].tolist()
