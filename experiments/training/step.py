"""One training step, from the indices of its images to the new weights; on a CUDA device recorded and replayed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import nn

from experiments.data.augment import Batches, Samples
from experiments.data.torchvision_augment import draws_on_cpu
from experiments.seeding import reseed_global
from experiments.spec import RunSpec
from experiments.training.ema import Ema
from experiments.training.losses import training_loss
from experiments.training.optimisers import OPTIMISERS
from experiments.training.precision import autocast
from experiments.training.schedule import SCHEDULES, learning_rate

Action = Callable[[], None]
Row = dict[str, float]


class Sums(NamedTuple):
    """Of the steps of an epoch so far; float32 scalars on the device, so that no step waits for them."""

    loss: torch.Tensor  # of the training losses
    wrong: torch.Tensor  # wrong predictions of the main head
    finite: torch.Tensor  # steps before the first whose loss was not finite
    last_loss: torch.Tensor  # the loss of the last of these


@dataclass(eq=False)
class Step:
    """`step(k)` trains on batch k and adds to the `sums` of the epoch."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    ema: Ema | None
    spec: RunSpec
    batches: Batches

    def __post_init__(self) -> None:
        self.sums = Sums(*(torch.zeros((), device=self.spec.device) for _ in Sums._fields))
        self.claim: Action = lambda: None  # called before Python code computes: `process_state.ProcessState.take`

    @property
    def settled(self) -> bool:
        """Whether other runs of this process may come between this step and the next."""
        return True

    def steps_of(self, epoch: int) -> range:
        """Steps count from 0 over the whole run."""
        return range(self.spec.epoch_end(epoch - 1) if epoch else 0, self.spec.epoch_end(epoch))

    def begin_epoch(self, epoch: int) -> int:
        """Clear the sums and start the streams from which dropout draws; the epoch's first step."""
        reseed_global(self.spec.seed, "dropout", epoch)
        for total in self.sums:
            total.zero_()
        return self.steps_of(epoch).start

    def row(self, epoch: int) -> Row:
        """Mean training loss and main head's error (percent) over the batches of an epoch, as trained."""
        steps = len(self.steps_of(epoch))
        samples = steps * self.spec.recipe.batch_size
        return {"train/loss": self.sums.loss.item() / steps, "train/error": 100 * self.sums.wrong.item() / samples}

    def __call__(self, k: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(k, self.spec.recipe)
        self.advance(self.batches.draws(k))
        if self.ema:
            self.ema.update(k + 1)

    def advance(self, samples: Samples) -> None:
        """The part of a step that runs on the device."""
        self.claim()
        self.optimiser.zero_grad()
        loss, wrong = self.backward(samples)
        if self.spec.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.spec.recipe.clip_norm)
        self.optimiser.step()
        self.add(loss, wrong)

    def backward(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradients of the loss, that loss, and the number of wrong predictions."""
        return self.backward_of(*self.batches.make(samples))

    def backward_of(
        self, images: torch.Tensor, labels: torch.Tensor, weight: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add weight * the gradients of the images' loss to the parameters'; that loss, and the wrong predictions."""
        with autocast(self.spec):
            loss, logits = training_loss(self.net(images), labels, self.spec.recipe)
        (loss if weight == 1 else weight * loss).backward()
        classes = labels if labels.ndim == 1 else labels.argmax(1)  # mixed labels: the class with the larger share
        return loss.detach(), (logits.detach().argmax(1) != classes).sum()

    def add(self, loss: torch.Tensor, wrong: torch.Tensor) -> None:
        sums = self.sums
        sums.loss.add_(loss)
        sums.wrong.add_(wrong)
        finite = torch.isfinite(sums.loss)
        sums.finite.add_(finite)
        sums.last_loss.copy_(torch.where(finite, loss, sums.last_loss))


class Recorder(Protocol):
    """Where steps run, and how one is recorded: `record` returns what will execute an action, without executing it."""

    def run(self, action: Action) -> None: ...

    def record(self, action: Action) -> Action: ...


class CudaGraphs:
    """Steps run on the run's CUDA stream, or on one of their own where the run is on the process's default stream,
    which cannot be recorded. A recording is a CUDA graph, which one call launches as a whole.

    An eager step of ResNet-110 needs about a thousand kernel launches, which take longer than its arithmetic.
    """

    def __init__(self) -> None:
        current = torch.cuda.current_stream()
        self.stream = torch.cuda.Stream() if current == torch.cuda.default_stream() else current

    def run(self, action: Action) -> None:
        around = torch.cuda.current_stream()
        if around == self.stream:
            action()
            return
        self.stream.wait_stream(around)
        with torch.cuda.stream(self.stream):
            action()
        around.wait_stream(self.stream)

    def record(self, action: Action) -> Action:
        graph = torch.cuda.CUDAGraph()
        # thread_local: a thread that writes a checkpoint waits for its copy meanwhile
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            action()
        return graph.replay


@dataclass(eq=False)
class RecordedStep(Step):
    """The same step, recorded after its first `EAGER` calls and then replayed: same kernels, memory and bits.

    Every step, an eager one too, copies its samples to fixed memory, from which the recorded kernels read: libraries
    choose kernels by strides, so all steps need the same. The learning rate is a constant of a recording, so a new one
    is made when the rate changes. The first steps run eagerly: libraries choose kernels, torch.compile compiles and
    the optimiser creates its state, none of which can be recorded.
    """

    EAGER = 3

    recorder: Recorder = field(default_factory=lambda: CudaGraphs())

    def __post_init__(self) -> None:
        super().__post_init__()
        self.calls, self.rate = 0, math.nan
        self.replay: Action | None = None
        self.samples: Samples | None = None

    @property
    def settled(self) -> bool:
        return self.replay is not None

    def advance(self, samples: Samples) -> None:
        if self.samples is None:
            self.samples = Samples(*(torch.empty_like(v, memory_format=torch.contiguous_format) for v in samples))
        fixed = self.samples
        for place, values in zip(fixed, samples, strict=True):
            place.copy_(values)
        self.calls += 1
        if self.calls <= self.EAGER:
            self.recorder.run(lambda: super(RecordedStep, self).advance(fixed))
            return
        rate = self.optimiser.param_groups[0]["lr"]
        if self.replay is None or self.rate != rate:
            self.replay = None  # frees its memory, and that of the gradients, for the next recording
            self.optimiser.zero_grad()
            self.claim()
            self.replay = self.recorder.record(lambda: super(RecordedStep, self).advance(fixed))
            self.rate = rate
        self.recorder.run(self.replay)


def make_step(
    net: nn.Module, optimiser: torch.optim.Optimizer, ema: Ema | None, spec: RunSpec, batches: Batches
) -> Step:
    """The kind of step for the run's device and recipe."""
    kind = RecordedStep if spec.device == "cuda" and is_recordable(spec) else Step
    return kind(net, optimiser, ema, spec, batches)


def is_recordable(spec: RunSpec) -> bool:
    """Whether a CUDA graph can hold the recipe's steps: no number in them is computed on the CPU step by step."""
    recipe = spec.recipe
    return (
        OPTIMISERS[recipe.optimiser].recordable
        and SCHEDULES[recipe.schedule].in_steps
        and recipe.warmup_shape == "constant"
        and not draws_on_cpu(recipe)
    )
