"""A user's file with nets that fail as a machine makes them fail: out of memory, or their process killed."""

import os
import signal
from pathlib import Path

import torch
from torch import nn

import nets
from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec


@nets.register("greedy")
class Greedy(nn.Module):
    """There is memory for one of those that share a place: whoever comes second is refused, in PyTorch's words."""

    def __init__(self, num_classes: int = 10, batch_limit: int = 1000, place: str = "") -> None:
        super().__init__()
        self.head, self.batch_limit, self.place = nn.Linear(64, num_classes), batch_limit, place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.batch_limit:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        if self.training and self.place:
            mine = Path(self.place) / str(os.getpid())
            mine.touch()
            if any(int(path.name) < os.getpid() and alive(int(path.name)) for path in mine.parent.iterdir()):
                mine.unlink()
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return self.head(x.flatten(1))


@nets.register("killed")
class Killed(nn.Module):
    """Its process is killed whenever it trains, or only the first time."""

    def __init__(self, num_classes: int = 10, always: bool = True, place: str = "") -> None:
        super().__init__()
        self.head, self.always, self.place = nn.Linear(64, num_classes), always, place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = Path(self.place) / "killed"
        if self.training and (self.always or not first.exists()):
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.head(x.flatten(1))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


BASE = RunSpec(data=DataSpec("digits", train_images=200), recipe=Recipe(iterations=30, batch_size=32, flip=False))
ABLATION = Ablation(
    name="failing",
    question="What becomes of a run that fails?",
    factors=("net",),
    baseline="greedy",
    base=BASE,
    variants=(
        Variant("greedy", "greedy", {"net": NetSpec("greedy")}),
        Variant("killed", "killed", {"net": NetSpec("killed")}),
    ),
    profiles={"smoke": Profile(seeds=1)},
)
