"""Offline runs written by the real W&B client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analysis.logs import wandb_file
from analysis.logs.fragment import Fragment

SETTINGS = {
    "silent": True,
    "console": "off",
    "x_disable_stats": True,
    "disable_git": True,
    "disable_code": True,
    "x_save_requirements": False,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_transaction_log_flush_interval": 1.0,
}
# argv: W&B folder, run id, first epoch, epoch after the last. Logs the epochs, then waits to be killed.
KILLED_RUN = f"""
import sys, time, wandb
folder, run_id, first, stop = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
run = wandb.init(dir=folder, id=run_id, project="killed", group="plain", job_type="smoke", mode="offline",
                 config={{"seed": 3, "net": {{"name": "plain20"}}}}, settings=wandb.Settings(**{SETTINGS!r}))
for epoch in range(first, stop):
    run.log({{"epoch": epoch, "test/error": 50.0 - epoch, "process": 1}})
time.sleep(600)
"""

WriteRun = Callable[..., Path]
KilledRun = Callable[[Path, str, range], tuple[Path, Fragment]]


def wait_for(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s} s"
        time.sleep(0.01)


@contextmanager
def no_account(home: Path) -> Iterator[pytest.MonkeyPatch]:
    """Nothing of the developer's own W&B account and settings is seen or touched."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        for name in ("HOME", "WANDB_DIR", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
            patch.setenv(name, str(home))
        patch.setenv("NETRC", str(home / "netrc"))
        patch.setenv("ABLATION_SERVER_CACHE", str(home / "server"))
        yield patch


@pytest.fixture(scope="module")
def write_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WriteRun]:
    """`write_run(folder, run_id, rows, config=None, summary=None, exit_code=0, **init)` gives the .wandb file."""
    import wandb

    def write(
        folder: Path,
        run_id: str,
        rows: Iterable[dict[str, Any]],
        config: dict[str, Any] | None = None,
        summary: dict[str, Any] | None = None,
        exit_code: int = 0,
        **init: Any,
    ) -> Path:
        before = set(folder.rglob("*.wandb"))
        folder.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(**SETTINGS)
        run = wandb.init(
            dir=folder, id=run_id, config=config, mode="offline", reinit="create_new", settings=settings, **init
        )
        for row in rows:
            run.log(row)
        run.summary.update(summary or {})
        run.finish(exit_code=exit_code)
        (path,) = set(folder.rglob("*.wandb")) - before
        wait_for(lambda: wandb_file.read(path).exit_code is not None)  # finish() returns before the last write
        return path

    with no_account(tmp_path_factory.mktemp("home")):
        yield write
        wandb.teardown()


@pytest.fixture
def wandb_account(tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A W&B client without account, settings or key; tests set what they need."""
    import wandb

    wandb.teardown()
    with no_account(tmp_path) as patch:
        yield patch
        wandb.teardown()


@pytest.fixture
def killed_run() -> KilledRun:
    """`killed_run(folder, run_id, range(3))` logs these epochs in a process of its own and ends it by SIGKILL.

    Gives the .wandb file and the fragment that was read from it while the process still ran.
    """

    def run(folder: Path, run_id: str, epochs: range) -> tuple[Path, Fragment]:
        before = set(folder.rglob("*.wandb"))
        command = [sys.executable, "-c", KILLED_RUN, str(folder), run_id, str(epochs.start), str(epochs.stop)]
        with no_account(folder.parent):
            process = subprocess.Popen(command, start_new_session=True)
        live: list[Fragment] = []

        def all_written() -> bool:
            assert process.poll() is None
            live[:] = [wandb_file.read(path) for path in set(folder.rglob("*.wandb")) - before]
            return bool(live) and len(live[0].history) == len(epochs)

        try:
            wait_for(all_written)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # wandb-core as well, which would note the exit
            process.wait()
        return Path(live[0].source), live[0]

    return run


@pytest.fixture
def ablation_runs() -> Callable[..., Any]:
    """`ablation_runs({"original": {0: 6.5, 1: None}}, **changed_config)` is a frame of runs as `logs.load` gives it.

    The numbers are test errors by variant and seed, None a run that diverged; the config is the paper's protocol.
    """
    import pandas as pd

    labels = {
        "original": "original",
        "bn_after_add": "BN after addition",
        "relu_before_add": "ReLU before addition",
        "relu_only_preact": "ReLU-only pre-activation",
        "full_preact": "full pre-activation",
    }
    paper = {
        "net.name": "resnet110",
        "data.name": "cifar10",
        "data.train_images": None,
        "recipe.iterations": 64_000,
        "recipe.batch_size": 128,
        "recipe.learning_rate": 0.1,
        "recipe.milestones": [0.5, 0.75],
        "recipe.gamma": 0.1,
        "recipe.warmup": 0.00625,
        "recipe.warmup_factor": 0.1,
        "recipe.momentum": 0.9,
        "recipe.nesterov": False,
        "recipe.weight_decay": 1e-4,
        "recipe.crop_padding": 4,
        "recipe.flip": True,
        "threads": 1,
        "device": "cpu",
        "parameters": 1_727_962,
        "multiply_adds": 253_149_834,
        "ablation.name": "resnet_preact",
        "ablation.question": "Where do BN and ReLU belong?",
        "ablation.factors": ["net.order"],
        "ablation.baseline": "original",
        "ablation.variants": list(labels),
        "ablation.labels": list(labels.values()),
        "ablation.published": "he2016_table2",
        "ablation.paper_net": "resnet110",
        "ablation.failure_error": None,
    }

    def frame(errors: dict[str, dict[int, float | None]], **changed: Any) -> pd.DataFrame:
        changed = {key.replace("__", "."): value for key, value in changed.items()}
        rows = []
        for variant, by_seed in errors.items():
            for seed, error in by_seed.items():
                row = {
                    "run_id": f"{variant}{seed}",
                    "ablation": "resnet_preact",
                    "variant": variant,
                    "profile": "paper",
                    "name": f"{variant}-s{seed}",
                    "seed": seed,
                    "outcome": "diverged" if error is None else "finished",
                    "started": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(len(rows), "min"),
                    "epochs": 164,
                    "source": f"runs/{variant}/seed{seed}",
                    "damage": [],
                    "summary.test/error": error,
                    "summary.time/train_s": 90.0,
                }
                config = paper | {"net.order": variant, "seed": seed} | changed
                rows.append(row | {f"config.{key}": value for key, value in config.items()})
        runs = pd.DataFrame(rows)
        return runs.astype({"seed": "Int64", "summary.test/error": float})

    return frame


@pytest.fixture
def ablation_history() -> Callable[..., Any]:
    """`ablation_history(runs, epochs=4)`: curves that fall by 10 an epoch to each run's test error.

    A run that diverged falls from 90 and ends halfway.
    """
    import pandas as pd

    def frame(runs: Any, epochs: int = 4) -> Any:
        rows = []
        for run in runs.to_dict("records"):
            diverged = run["outcome"] == "diverged"
            last, length = (90.0, epochs // 2) if diverged else (run["summary.test/error"], epochs)
            for epoch in range(1, length + 1):
                error = last + 10.0 * (length - epoch)
                row = {"run_id": run["run_id"], "variant": run["variant"], "seed": run["seed"], "epoch": epoch}
                rows.append(row | {"test/error": error, "train/error": error - 2, "test/loss": error / 40})
        return pd.DataFrame(rows).astype({"seed": "Int64"})

    return frame
