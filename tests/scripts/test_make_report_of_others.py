"""Reports of three projects that this program did not write, in the habits of others; the client is the real one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "silent": True, "console": "off", "x_disable_stats": True, "disable_git": True, "disable_code": True,
    "x_save_requirements": False, "x_disable_meta": True, "x_disable_machine_info": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`fractions`, `groups` and `names`, each a folder with offline runs."""
    import wandb

    root = tmp_path_factory.mktemp("others")

    def run(folder: str, rows: Iterable[dict[str, Any]], exit_code: int = 0, **init: Any) -> None:
        (root / folder).mkdir(exist_ok=True)
        settings = wandb.Settings(**SETTINGS)
        opened = wandb.init(dir=root / folder, mode="offline", reinit="create_new", settings=settings, **init)
        for row in rows:
            opened.log(row)
        opened.finish(exit_code=exit_code)

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(root))
        stream = random.Random(0)
        for model, last in (("resnet", 0.90), ("vgg", 0.88), ("mlp", 0.60)):
            for seed in range(3):  # accuracy in fractions, no epoch, the training loss in log calls of its own
                noise = stream.uniform(-0.003, 0.003)
                rows = [{"loss": 1 / (i + 1)} if i % 2 else {"val_acc": last - 0.2 / (i + 1) + noise} for i in range(9)]
                run("fractions", rows, project="cifar", config={"model": model, "seed": str(seed), "lr": 0.1})
        for group, last in (("baseline", 71.0), ("attention", 73.0)):
            for seed in range(3):  # groups; accuracy in percent; two log calls per epoch; runs of another job type
                rows = []
                for epoch in range(4):
                    acc = last - 8 / (epoch + 1) + seed / 10 + stream.uniform(-0.05, 0.05)
                    rows += [{"epoch": epoch, "train/acc1": acc + 2}, {"epoch": epoch, "val/acc1": acc}]
                args = {"arch": group, "random_state": seed, "workdir": f"/data/{group}/{seed}"}
                run("groups", rows, project="imagenet100", group=group, job_type="train", config={"args": args})
            run("groups", [{"val/acc1": 99.0}], project="imagenet100", group=group, job_type="eval")
        for variant, last in (("sgd", 9.0), ("adam", 8.0)):
            for seed in range(3):  # all in the name; one crashed, one was resumed
                rows = [{"epoch": e, "err": last + 3 / (e + 1) + seed / 10 + stream.uniform(0, 0.02)} for e in range(6)]
                name = f"{variant}_lr0.1_seed{seed}"
                if (variant, seed) == ("sgd", 2):
                    run("names", rows[:3], 1, project="optim", name=name, id=name)
                elif (variant, seed) == ("adam", 1):
                    run("names", rows[:3], 1, project="optim", name=name, id=name)
                    run("names", rows[3:], project="optim", name=name, id=name, resume="allow")
                else:
                    run("names", rows, project="optim", name=name, id=name)
        wandb.teardown()
    return root


def report(source: Path, out: Path, *words: str) -> tuple[int, str]:
    """Exit status and all output of the command, in a process of its own."""
    command = [sys.executable, ROOT / "scripts" / "make_report.py", "--source", source, "--out", out, *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=out.parent)
    return done.returncode, done.stdout + done.stderr


def table(out: Path) -> pd.DataFrame:
    assert (out / "report.html").stat().st_size > 10_000
    assert (out / "training_curves.svg").exists()
    return pd.read_csv(out / "table.csv", index_col="variant")


FRACTIONS = (
    "--variant", "config.model", "--seed", "config.seed", "--metric", "val_acc", "--as", "accuracy-fraction",
    "--step", "_step", "--baseline", "resnet",
)  # fmt: skip


def test_accuracy_in_fractions_counted_by_log_calls(projects: Path, tmp_path: Path) -> None:
    status, text = report(projects / "fractions", tmp_path / "out", *FRACTIONS)
    assert status == 0, text
    found = table(tmp_path / "out")
    assert found["n"].tolist() == [3, 3, 3]
    assert found["mean"].to_dict() == pytest.approx(
        {"resnet": 100 * (1 - 0.90 + 0.2 / 9), "mlp": 100 * (1 - 0.6 + 0.2 / 9), "vgg": 100 * (1 - 0.88 + 0.2 / 9)},
        abs=0.31,
    )
    assert found.loc["mlp", "reading"] == "worse"


def test_groups_and_two_log_calls_per_epoch(projects: Path, tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(
        'variant = "group"\nseed = "config.args.random_state"\nmetric = "val/acc1"\nas = "accuracy-percent"\n'
        'baseline = "baseline"\ntrain_metric = "train/acc1"\nwhere = ["job_type=train"]\n'
    )
    status, text = report(projects / "groups", tmp_path / "out", "--mapping", str(tmp_path / "mapping.toml"))
    assert status == 0, text
    found = table(tmp_path / "out")
    assert found["n"].tolist() == [3, 3]
    assert found.loc["attention", "reading"] == "better"
    assert found.loc["baseline", "mean"] == pytest.approx(100 - 71 + 2 - 0.1, abs=0.06)
    assert "config.args.workdir" in text  # differs in every run, and is named
    assert "training error" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


NAMES = (
    "--variant", "name:^([a-z]+)_", "--seed", "name:seed([0-9]+)$", "--metric", "err", "--as", "error-percent",
    "--baseline", "sgd",
)  # fmt: skip


def test_names_with_seeds_in_them_a_crashed_run_and_a_resumed_one(projects: Path, tmp_path: Path) -> None:
    status, text = report(projects / "names", tmp_path / "out", *NAMES)
    assert status == 0, text
    found = table(tmp_path / "out")
    assert found["n"].to_dict() == {"sgd": 2, "adam": 3}
    assert found.loc["adam", "mean"] == pytest.approx(8.0 + 0.5 + 0.1, abs=0.03)  # the resumed run's last epoch too
    assert "sgd_lr0.1_seed2: crashed, not counted" in text


def test_a_run_without_a_variant_is_named_and_counts_nowhere(projects: Path, tmp_path: Path) -> None:
    words = [word.replace("^([a-z]+)_", "^(s[a-z]+)_") for word in NAMES]
    status, text = report(projects / "names", tmp_path / "out", *words)
    assert status == 0, text
    assert table(tmp_path / "out")["n"].to_dict() == {"sgd": 2}
    assert text.count("unmapped (no name:^(s[a-z]+)_), not counted") == 3


def test_describe_lists_what_a_mapping_can_name(projects: Path, tmp_path: Path) -> None:
    status, text = report(projects / "groups", tmp_path / "out", "--describe")
    assert status == 0
    for part in ("group: attention (4), baseline (4)", "job_type: eval (2), train (6)", "config.args.random_state: "):
        assert part in text
    assert "val/acc1: 63." in text


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--as", "accuracy-percent"], None),
        (["--as", "accuracy-pct"], "the unit 'accuracy-pct' is none of accuracy-fraction, accuracy-percent"),
        (["--metric", "vall_acc"], "did you mean val_acc?"),
        (["--variant", "config.modl"], "did you mean config.model"),
        (["--variant", "name:("], "is no regular expression"),
        (["--seed", "config.model"], "is no whole number in any run, so it is no seed; --seed order"),
        (["--baseline", "lenet"], "no run is of the baseline 'lenet'; variants: mlp, resnet, vgg"),
        (["--step", "epoch"], "or count log calls with --step _step"),
        (["--where", "config.lr"], "write KEY=VALUE"),
        (["--where", "config.lr=0.3"], "no run is left of 9 with --where config.lr=0.3"),
        (["--mapping", "nowhere.toml"], "cannot read nowhere.toml"),
    ],
)
def test_a_wrong_mapping_is_one_line(projects: Path, tmp_path: Path, words: list[str], line: str | None) -> None:
    status, text = report(projects / "fractions", tmp_path / "out", *FRACTIONS, *words)
    if line is None:  # values of at most 1 may be percent: what the user says holds
        assert status == 0
        return
    assert status == 2
    assert text.startswith("make_report: ")
    assert line in text
    assert len(text.strip().splitlines()) == 1


def test_a_fraction_above_one_is_refused(projects: Path, tmp_path: Path) -> None:
    words = ["--variant", "group", "--seed", "order", "--metric", "val/acc1", "--as", "accuracy-fraction"]
    status, text = report(projects / "groups", tmp_path / "out", *words, "--baseline", "baseline")
    assert status == 2
    assert "val/acc1 has values from 63" in text
    assert "which is no accuracy-fraction" in text


@pytest.mark.parametrize("lacking", ["variant", "seed", "as", "baseline"])
def test_nothing_is_guessed(projects: Path, tmp_path: Path, lacking: str) -> None:
    at = FRACTIONS.index(f"--{lacking}")
    status, text = report(projects / "fractions", tmp_path / "out", *FRACTIONS[:at], *FRACTIONS[at + 2 :])
    assert (status, f"the mapping lacks {lacking}: " in text) == (2, True)
