"""The first 50 steps of an ImageNet ablation's paper profile, killed within the epoch: the same bits as unbroken ones.

ABLATION_PHOTOGRAPHS names a folder of photographs to read (as `benchmarks.loading` makes it); without it a small one is
made.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from itertools import count
from pathlib import Path

import pytest
import torch

from benchmarks import photographs
from experiments import ablations
from experiments.ablation import Overrides
from experiments.data.load import load_for
from experiments.loading import Loading
from experiments.spec import RunSpec
from experiments.training import checkpoint
from experiments.training.session import Control, StoppedError
from experiments.training.train import train

pytestmark = pytest.mark.slow
STEPS, KILLED_AT = 50, 30


def spec_of(folder: Path) -> RunSpec:
    """MobileNet at a quarter of its width: the variant that a CPU trains soonest."""
    return ablations.load("mobilenet").specs("paper", Overrides(dataset=f"imagefolder:{folder}", device="cpu"))[
        "width_0.25"
    ]


def first_steps(spec: RunSpec, loading: Loading, root: Path, run: Path, kill: bool) -> None:
    """Train to step STEPS and write a checkpoint; or be killed at KILLED_AT, with one of some steps before."""
    torch.set_num_threads(1)
    run.mkdir(exist_ok=True)
    state = checkpoint.load(run, spec.run_id)
    steps = count(state["epoch"]["next_step"] + 1 if state else 1)

    def stop() -> bool:
        step = next(steps)
        if kill and step == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return step == STEPS

    control = Control(stop=stop, checkpoint_s=0.0 if kill else 1e9)
    try:
        train(spec, load_for(spec.data, root, loading), run, print, control=control)
    except StoppedError:
        return
    raise AssertionError("it was not stopped")


def in_a_process(*arguments: object) -> int | None:
    process = multiprocessing.get_context("spawn").Process(target=first_steps, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def tensors(state: object, name: str = "") -> dict[str, torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return {name: state}
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    return {path: tensor for key, value in items for path, tensor in tensors(value, f"{name}.{key}").items()}


def test_the_first_steps_are_the_same_streamed_in_memory_and_resumed(tmp_path: Path) -> None:
    given = os.environ.get("ABLATION_PHOTOGRAPHS")
    folder = Path(given) if given else photographs.make(tmp_path / "photographs", 2000)
    spec = spec_of(folder)
    assert spec.epoch_end(0) > STEPS
    found = {}
    for name, loading in (("memory", Loading("never")), ("streamed", Loading("always", 1))):
        run = tmp_path / name
        assert in_a_process(spec, loading, tmp_path, run, True) == -signal.SIGKILL
        state = checkpoint.load(run, spec.run_id)
        assert state is not None
        assert 0 < state["epoch"]["next_step"] < KILLED_AT
        assert in_a_process(spec, loading, tmp_path, run, False) == 0
        found[name] = checkpoint.load(run, spec.run_id)
    assert in_a_process(spec, Loading("always", 0), tmp_path, tmp_path / "unbroken", False) == 0
    found["unbroken"] = checkpoint.load(tmp_path / "unbroken", spec.run_id)
    states = {
        name: tensors({k: state[k] for k in ("net", "optimiser", "ema", "epoch")}) for name, state in found.items()
    }
    for state in found.values():
        assert state["epoch"]["next_step"] == STEPS
    for name in ("memory", "streamed"):
        assert states[name].keys() == states["unbroken"].keys()
        assert [k for k, t in states[name].items() if not torch.equal(t, states["unbroken"][k])] == []
