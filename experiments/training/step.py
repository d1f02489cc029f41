"""One step of training, from the numbers of its images to the new weights; on a GPU recorded once and then replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import nn

from experiments.data.augment import Batches, Samples
from experiments.spec import RunSpec
from experiments.training.ema import Ema
from experiments.training.losses import training_loss
from experiments.training.precision import autocast
from experiments.training.schedule import learning_rate

Action = Callable[[], None]


@dataclass(eq=False)
class Step:
    """`step(k)` trains on batch k; `loss_sum` and `wrong` gather its loss and its main head's wrong predictions."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    ema: Ema | None
    spec: RunSpec
    batches: Batches

    def __post_init__(self) -> None:
        self.loss_sum, self.wrong = (torch.zeros((), device=self.spec.device) for _ in range(2))

    def __call__(self, k: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(k, self.spec.recipe)
        self.advance(self.batches.draws(k))
        if self.ema:
            self.ema.update(k + 1)

    def advance(self, samples: Samples) -> None:
        """All of a step that happens on the device."""
        images, labels = self.batches.make(samples)
        with autocast(self.spec):
            loss, logits = training_loss(self.net(images), labels, self.spec.recipe)
        self.optimiser.zero_grad()
        loss.backward()
        if self.spec.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.spec.recipe.clip_norm)
        self.optimiser.step()
        self.loss_sum += loss.detach()
        self.wrong += (logits.detach().argmax(1) != labels).sum()


class Recorder(Protocol):
    """Where steps run, and how one is recorded: `record` returns what will carry an action out, and does not itself."""

    def run(self, action: Action) -> None: ...

    def record(self, action: Action) -> Action: ...


class CudaGraphs:
    """Steps on a stream of their own; a recording is a CUDA graph, which one call launches as a whole.

    An eager step of ResNet-110 waits on about a thousand launches, which take longer than its arithmetic.
    """

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()

    def run(self, action: Action) -> None:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            action()
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, action: Action) -> Action:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            action()
        return graph.replay


@dataclass(eq=False)
class RecordedStep(Step):
    """The same step, recorded after its first `EAGER` calls and replayed from then on: same kernels, memory and bits.

    The recorded kernels read their samples from one place, to which those of each step are copied. The learning rate
    is a constant of a recording, so it is made anew when the rate changes. The first steps are taken eagerly: they
    let libraries choose kernels, compile, and make the optimiser's state, none of which can be recorded.
    """

    EAGER = 3

    recorder: Recorder = field(default_factory=lambda: CudaGraphs())

    def __post_init__(self) -> None:
        super().__post_init__()
        self.calls, self.rate = 0, None
        self.replay: Action | None = None
        self.samples: Samples | None = None

    def advance(self, samples: Samples) -> None:
        self.calls += 1
        if self.calls <= self.EAGER:
            self.recorder.run(lambda: super(RecordedStep, self).advance(samples))
            return
        if self.samples is None:
            self.samples = Samples(*(values.contiguous().clone() for values in samples))
        for place, values in zip(self.samples, samples, strict=True):
            place.copy_(values)
        if self.rate != (rate := self.optimiser.param_groups[0]["lr"]):
            self.replay = None  # its memory is free for the next one, and so is the gradients', which lie in it
            self.optimiser.zero_grad()
            self.replay = self.recorder.record(lambda: super(RecordedStep, self).advance(self.samples))
            self.rate = rate
        self.recorder.run(self.replay)


def make_step(
    net: nn.Module, optimiser: torch.optim.Optimizer, ema: Ema | None, spec: RunSpec, batches: Batches
) -> Step:
    """The step for the run's device."""
    kind = RecordedStep if spec.device == "cuda" else Step
    return kind(net, optimiser, ema, spec, batches)
