"""What a process sets is set in time, and by everything that computes for a run."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.usual_loop import UsualLoop
from experiments.execution import workers
from experiments.planning.estimate import time_steps
from experiments.planning.throughput import TimedTraining
from experiments.spec import with_changes
from experiments.training.train import build_net

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = "CUBLAS_WORKSPACE_CONFIG"
# Stops at the first import of PyTorch and says what the variable is by then.
STOP = f"""
import os, runpy, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("at the import of PyTorch:", os.environ.get("{VARIABLE}"))
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Stop())
kind, name, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = name
getattr(runpy, kind)(name, run_name="__main__")
"""
SCRIPTS = {
    "run_ablation.py": ("resnet_preact", "--dry-run"),
    "fetch_data.py": ("digits",),
}
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "run(Args, main)" in path.read_text())


def bare():
    return {key: value for key, value in os.environ.items() if key != VARIABLE}


@pytest.mark.parametrize(
    "words",
    [
        *(("run_path", str(ROOT / "scripts" / name), *words) for name, words in SCRIPTS.items()),
        *(("run_module", f"benchmarks.{name}", "--help") for name in BENCHMARKS),
    ],
    ids=lambda words: Path(words[1]).name,
)
def test_cublas_is_configured_before_pytorch_is_imported(words):
    done = subprocess.run([sys.executable, "-c", STOP, *words], cwd=ROOT, env=bare(), capture_output=True, text=True)
    said = "at the import of PyTorch: "
    assert said in done.stdout or "--help" in words, done.stderr  # some import it only after the help
    assert [line for line in done.stdout.splitlines() if line.startswith(said)] in ([f"{said}:4096:8"], [])


def test_workers_inherit_it(tmp_path):
    command = f"{sys.executable} -c 'import os; print(os.environ[\"{VARIABLE}\"])' > {tmp_path / 'value'}"
    process = workers.context("cuda").Process(target=os.system, args=(command,))
    process.start()
    process.join()
    assert (tmp_path / "value").read_text().strip() == os.environ[VARIABLE]


def tf32():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.usefixtures("one_thread")
def test_timed_loops_compute_as_what_they_stand_for(tiny, digits):
    """Ours in the recipe's format, as it trains; the usual loop with PyTorch's defaults. They take turns."""
    loops = {
        precision: TimedTraining(with_changes(tiny, {"recipe.precision": precision}), digits, 2, lambda row: None)
        for precision in ("fp32", "tf32")
    }
    usual = UsualLoop(build_net(tiny, digits), digits.train, "cpu", 32, workers=0)
    for _ in range(2):
        loops["fp32"].block(2)
        assert tf32() == (False, False)
        assert torch.are_deterministic_algorithms_enabled()
        loops["tf32"].block(2)
        assert tf32() == (True, True)
        usual.loader = [(digits.train.images[:32].float(), digits.train.labels[:32])]
        usual.block(1)
        assert tf32() == (False, True)
        assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True)])
@pytest.mark.usefixtures("one_thread")
def test_a_tried_step_is_one_of_the_run(tiny, precision, allowed):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not allowed
    time_steps(replace(tiny, recipe=replace(tiny.recipe, precision=precision)), steps=1, batch=2)
    assert tf32() == (allowed, allowed)
