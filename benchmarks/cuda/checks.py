"""What must hold on a GPU, one function per check; a new one is a row of CHECKS."""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import psutil
import torch
from torch._inductor.utils import fresh_cache

from benchmarks.cuda.runs import (
    CheckError,
    Place,
    must_be_near,
    must_equal,
    random_data,
    stepped,
    trained,
)
from experiments import ablations
from experiments.ablation import Overrides
from experiments.data.augment import Batches
from experiments.execution.launch import launch
from experiments.planning.job import Job
from experiments.planning.plan import plan
from experiments.spec import RunSpec
from experiments.training import checkpoint, step
from experiments.training.memory import release_memory
from experiments.training.optimisers import make_optimiser
from experiments.training.process import prepare_process
from experiments.training.step import RecordedStep
from experiments.training.train import build_net

VARIANT_STEPS = RecordedStep.EAGER + 2  # the first of these is recorded, the next replayed
# The most by which a mean training loss may differ, of itself: from the CPU's, from the eager one, from fp32's.
CPU, COMPILED, TF32, BF16 = 0.002, 0.01, 0.02, 0.05
PIXELS = 1e-3  # the most by which a normalised pixel may differ from the CPU's
RECORDINGS, RUNS = 30, 33
GROWTH = {"cuda": 2**20, "cpu": 100 * 2**20, "mps": 2**20}  # bytes; on a CPU of the whole process


@dataclass(frozen=True)
class Check:
    """run: returns what it saw, in a few words, and raises CheckError where something does not hold."""

    name: str
    question: str
    run: Callable[[Place], str]


@dataclass(frozen=True)
class Result:
    name: str
    question: str
    passed: bool
    seen: str
    seconds: float
    trace: str = ""


def variants(place: Place, limit: int | None = None) -> str:
    """`limit`: only the first so many, for tests of this check."""
    worst, count = (0.0, ""), 0
    for name, spec in islice(_smoke_specs(), limit):
        _, there = stepped(replace(spec, device=place.device), VARIANT_STEPS, dropout=False)
        _, here = stepped(replace(spec, device="cpu"), VARIANT_STEPS, recorded=False, dropout=False)
        off = must_be_near(there["train/loss"], here["train/loss"], CPU, f"{name}: training loss")
        worst, count = max(worst, (off, name)), count + 1
        release_memory()
    return f"{count} variants, losses within {worst[0]:.2g} of the CPU's ({worst[1]})"


def _smoke_specs() -> Iterator[tuple[str, RunSpec]]:
    """Every variant of every ablation, on a few images."""
    for name in ablations.names():
        for variant, spec in ablations.load(name).specs("smoke", Overrides()).items():
            recipe = replace(spec.recipe, batch_size=16, iterations=1000)
            yield f"{name}/{variant}", replace(spec, recipe=recipe, data=replace(spec.data, train_images=96))


def recorded(place: Place) -> str:
    spec = place.spec()
    nets = [stepped(spec, 8, recorded=kind)[0].state_dict() for kind in (False, True)]
    must_equal(*nets, "recorded steps against eager ones")
    return f"{len(nets[0])} tensors equal after 8 steps with colour noise and random resized crops"


def colours(place: Place) -> str:
    spec, most = place.spec(), 0.0
    prepare_process(spec)
    there, here = (Batches(one, random_data(one).train) for one in (spec, replace(spec, device="cpu")))
    for k in range(4):
        (images, labels), (expected, of_cpu) = there(k), here(k)
        must_equal(labels, of_cpu, "labels of a batch")
        most = max(most, (images.cpu() - expected).abs().max().item())
    if not most <= PIXELS:
        raise CheckError(f"a pixel of an augmented batch differs by {most:.2g} from the CPU's, more than {PIXELS}")
    return f"pixels with colour noise, after random resized crops, within {most:.2g} of the CPU's"


def resumed(place: Place) -> str:
    spec, folder = place.spec(), place.folder / "resumed"
    whole = trained(spec, folder / "whole")
    for steps in (2, 13):  # before the first recording, and in the middle of an epoch
        must_equal(trained(spec, folder / f"stopped_{steps}", stop_after=steps), whole, f"stopped after {steps} steps")
    return f"stopped after 2 and 13 of {spec.recipe.iterations} steps and resumed: the same bits"


def parallel(place: Place) -> str:
    states = []
    for count in (1, 4):
        jobs = _jobs(place, f"parallel_{count}")
        ended = list(launch(jobs, count, lambda job, row: None))
        if failed := [end for end in ended if end.result != "finished"]:
            raise CheckError(f"{failed[0].job.name}: {failed[0].error or failed[0].result}")
        states.append([checkpoint.load(job.folder, job.spec.run_id) for job in jobs])
    must_equal(*states, "four runs in parallel against one after the other")
    return f"{len(states[0])} runs, one after the other and four in parallel: the same bits"


def _jobs(place: Place, folder: str) -> list[Job]:
    """Four short runs on digits, which need no download."""
    overrides = Overrides(("original", "full_preact"), epochs=1, device=place.device)
    out = place.folder / folder
    return plan(ablations.load("resnet_preact"), "smoke", overrides, seeds=(0, 1), out=out, wandb="disabled")


def bf16(place: Place) -> str:
    return _precision(place, "bf16", BF16)


def tf32(place: Place) -> str:
    return _precision(place, "tf32", TF32)


def _precision(place: Place, name: str, tolerance: float) -> str:
    (whole, *_), _ = trained(place.spec(), place.folder / f"{name}_fp32")
    first, second = (trained(place.spec({"precision": name}), place.folder / f"{name}_{k}") for k in range(2))
    must_equal(first, second, f"two runs in {name}")
    off = must_be_near(first[0][0]["train/loss"], whole["train/loss"], tolerance, f"training loss in {name}")
    return f"two runs equal; loss of the first epoch within {off:.2g} of fp32's"


def compiled(place: Place) -> str:
    spec, runs, seconds = place.spec(compiled=True), [], 0.0
    for k in range(2):
        started = time.perf_counter()
        with fresh_cache():
            runs.append(trained(spec, place.folder / f"compiled_{k}"))
        seconds = seconds or time.perf_counter() - started
    must_equal(*runs, "two compiled runs, each from an empty cache")
    (eager, *_), _ = trained(place.spec(), place.folder / "eager")
    off = must_be_near(runs[0][0][0]["train/loss"], eager["train/loss"], COMPILED, "training loss")
    return f"two runs from empty caches equal, {seconds:.0f} s each; loss within {off:.2g} of the eager one"


def recordings(place: Place) -> str:
    """A new rate makes a new recording; the memory of the last one must be given back."""
    spec = place.spec()
    prepare_process(spec)
    data = random_data(spec)
    net = build_net(spec, data).to(spec.device).to(memory_format=torch.channels_last)
    optimiser, batches = make_optimiser(net, spec), Batches(spec, data.train)
    taken, used = step.make_step(net, optimiser, None, spec, batches), []
    for k in range(RecordedStep.EAGER + RECORDINGS):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 / (1 + k)
        taken.advance(batches.draws(k % 8))
        used.append(bytes_used(place.device))
    return _flat(used[RecordedStep.EAGER + 4], used[-1], place, f"over {RECORDINGS} recordings")


def runs(place: Place) -> str:
    used = []
    for k in range(RUNS):
        spec = replace(place.spec({"iterations": 6}), seed=k)
        trained(spec, place.folder / "runs" / str(k))
        gc.collect()
        release_memory()
        used.append(bytes_used(place.device))
    return _flat(used[2], used[-1], place, f"over {RUNS} runs in one process")


def bytes_used(device: str) -> int:
    """In tensors on a GPU; on a CPU by the whole process."""
    return torch.cuda.memory_allocated() if device == "cuda" else psutil.Process().memory_info().rss


def _flat(early: int, late: int, place: Place, when: str) -> str:
    if late - early > GROWTH[place.device]:
        raise CheckError(f"memory grows {when}: from {early / 2**20:.1f} to {late / 2**20:.1f} MiB")
    return f"{late / 2**20:.1f} MiB, no growth {when}"


CHECKS = (
    Check("recorded", "Do recorded steps train as eager ones, bit for bit?", recorded),
    Check("colours", "Is a batch with colour noise and random resized crops the CPU's?", colours),
    Check("resumed", "Does a stopped and resumed run give the bits of a whole one?", resumed),
    Check("parallel", "Do runs in parallel give the bits of runs one after the other?", parallel),
    Check("bf16", "Is bf16 repeatable and near fp32?", bf16),
    Check("tf32", "Is TF32 repeatable and near fp32?", tf32),
    Check("compiled", "Is torch.compile repeatable from an empty cache and near eager?", compiled),
    Check("recordings", "Is memory flat when steps are recorded again and again?", recordings),
    Check("runs", "Is memory flat over many runs in one process?", runs),
    Check("variants", "Does every variant of every ablation train, with the CPU's losses?", variants),
)


def carry_out(check: Check, place: Place) -> Result:
    """The check's result, whatever it raises."""
    started, trace = time.perf_counter(), ""
    try:
        passed, seen = True, check.run(place)
    except CheckError as error:
        passed, seen = False, str(error)
    except Exception as error:
        passed, seen = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        trace = traceback.format_exc()
    gc.collect()
    release_memory()
    return Result(check.name, check.question, passed, seen, time.perf_counter() - started, trace)
