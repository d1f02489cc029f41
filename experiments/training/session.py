"""A run in memory: its net, optimiser, EMA and step, its rows so far, and how they are saved and restored."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from analysis.schema import Outcome
from experiments.data.augment import Batches, Pixels
from experiments.data.load import Dataset
from experiments.seeding import global_streams, restore_streams
from experiments.spec import RunSpec
from experiments.training import checkpoint, group
from experiments.training.build import build_net
from experiments.training.ema import Ema
from experiments.training.optimisers import make_optimiser
from experiments.training.precision import compiled
from experiments.training.process_state import ProcessState
from experiments.training.schedule import learning_rate
from experiments.training.shared_step import SharedStep, distributed, is_shared, part_of_process, prepared
from experiments.training.signals import measure
from experiments.training.step import Row, Step, make_step
from experiments.training.writer import Writer

TOLD_S = 1.0  # between two reports of the steps taken


class StoppedError(Exception):
    """The run was asked to stop and has written a checkpoint, from which it resumes exactly."""


@dataclass(frozen=True)
class Control:
    """How a run is supervised; none of it changes its result.

    stop: asked after every step and test batch; when true, the run writes a checkpoint and raises StoppedError.
    tell: gets one line for each thing the user should know. stepped: gets the number of steps taken so far, after the
    first step and then once a second. checkpoint_s: seconds between checkpoints in an epoch. turn: called after a
    step, when the other runs of this process may take theirs.
    """

    stop: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = lambda line: None
    stepped: Callable[[int], None] = lambda steps: None
    checkpoint_s: float = 600.0
    turn: Callable[[], None] = lambda: None


@dataclass(eq=False)
class Session:
    """One run between its checkpoints. Use as a context: at its end all that it saved is on disk.

    rows: of the finished epochs. begun: the start of the row of the epoch under way, or None between epochs.
    next_step: the first step that the weights have not seen. spent_s: on the epoch under way, before this process.
    """

    spec: RunSpec
    folder: Path
    control: Control
    own: ProcessState
    step: Step
    net: nn.Module
    rows: list[Row] = field(default_factory=list)
    outcome: Outcome | None = None
    divergence: dict[str, Any] = field(default_factory=dict)
    begun: Row | None = None
    next_step: int = 0
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        self.writer = Writer(self.folder)
        self.saved_at, self.started = time.monotonic(), time.perf_counter()
        self.told_at = -math.inf

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0."""
        return len(self.rows)

    @property
    def tested(self) -> nn.Module:
        """The net whose test error counts: the EMA where the recipe has one."""
        return self.step.ema.net if self.step.ema else self.net

    @property
    def pixels(self) -> Pixels:
        return self.step.batches.pixels

    @property
    def parts(self) -> dict[str, Any]:
        ema = {"ema": self.step.ema.net} if self.step.ema else {}
        return {"net": self.net, "optimiser": self.step.optimiser, **ema}

    def begin_epoch(self, signals: bool) -> None:
        """Start the next epoch, or take up the one that a checkpoint interrupted."""
        self.own.take()
        if self.begun is None:
            rate = learning_rate(self.spec.epoch_end(self.epoch) - 1, self.spec.recipe)
            measured = measure(self.net, self.spec, self.step.batches) if signals else {}
            self.begun = {"epoch": self.epoch + 1, "optim/lr": rate, **measured}
            self.next_step, self.spent_s = self.step.begin_epoch(self.epoch), 0.0
        self.started = time.perf_counter() - self.spent_s
        self.step.net.train()

    def remaining(self) -> range:
        """The steps that the epoch under way still has to take."""
        return range(self.next_step, self.spec.epoch_end(self.epoch))

    def trained(self) -> Row:
        """The row so far, once all steps are taken."""
        self.own.take()
        images = len(self.step.steps_of(self.epoch)) * self.spec.recipe.batch_size
        row = (self.begun or {}) | self.step.row(self.epoch)
        return row | {"time/images_per_s": images / (time.perf_counter() - self.started)}

    def check_in(self, next_step: int | None = None) -> None:
        """After a step or a test batch: write a checkpoint if one is due. Raises StoppedError if the run is to stop."""
        self.next_step = self.next_step if next_step is None else next_step
        stop, now = self.control.stop(), time.monotonic()
        if next_step is not None and now - self.told_at >= TOLD_S:
            self.control.stepped(next_step)
            self.told_at = now
        if stop or now - self.saved_at >= self.control.checkpoint_s:
            self.save()
        if stop:
            self.writer.wait()
            raise StoppedError
        if next_step is not None and self.step.settled:
            self.control.turn()

    def end_epoch(self, row: Row) -> Outcome | None:
        """Add the finished epoch's row, completed by its time, and decide whether the run is over."""
        row["time/epoch_s"] = time.perf_counter() - self.started
        self.rows.append(row)
        self.begun = None
        if cause := self._not_finite(row):
            self.outcome = "diverged"
            self.divergence = self._divergence(cause)
        elif self.epoch == self.spec.epochs:
            self.outcome = "finished"
        self._tell_if_constant()
        return self.outcome

    def save(self) -> None:
        """Begin a checkpoint. Raises torch.OutOfMemoryError if a lack of memory may have changed the run's bits."""
        self.own.take()
        if self.spec.deterministic:
            self.own.check_refusals()
        if group.is_first():
            self.writer.write(self._state())
        self.saved_at = time.monotonic()

    def _state(self) -> dict[str, Any]:
        state = {name: part.state_dict() for name, part in self.parts.items()}
        state |= {"run_id": self.spec.run_id, "rows": self.rows, "outcome": self.outcome, "divergence": self.divergence}
        if self.begun is not None:
            streams = global_streams(self.spec.device)
            under_way = {"row": self.begun, "next_step": self.next_step, "spent_s": time.perf_counter() - self.started}
            state["epoch"] = {**under_way, "sums": list(self.step.sums), "streams": streams}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Raises CheckpointError for a state of another net or optimiser."""
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            self.rows, self.outcome = state["rows"], state["outcome"]
            self.divergence = state.get("divergence", {})
            if epoch := state.get("epoch"):
                self.begun, self.next_step, self.spent_s = epoch["row"], epoch["next_step"], epoch["spent_s"]
                for total, value in zip(self.step.sums, epoch["sums"], strict=True):
                    total.copy_(value)
                restore_streams(epoch["streams"])
        except (KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise checkpoint.CheckpointError(
                f"{self.folder / checkpoint.NAME} does not fit this run ({type(error).__name__}: {reason}); "
                f"{checkpoint.REMEDY}"
            ) from None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.own.give_up()
        self.step.batches.close()
        self.writer.close()

    def _not_finite(self, row: Row) -> str | None:
        for key in ("train/loss", "test/loss"):
            if not math.isfinite(row[key]):
                return key
        tensors = [t for t in self.net.state_dict().values() if t.is_floating_point()]
        return None if all(torch.stack([torch.isfinite(t).all() for t in tensors]).tolist()) else "weights"

    def _divergence(self, cause: str) -> dict[str, Any]:
        """The summary of a diverged run: what was not finite, after which step, and the last finite values."""
        sums, before = self.step.sums, self.rows[-2] if self.epoch > 1 else {}
        steps = self.step.steps_of(self.epoch - 1)
        finite = int(sums.finite.item())
        last = {key: before[key] for key in ("train/loss", "test/loss", "test/error") if key in before}
        if finite:
            last["train/loss"] = sums.last_loss.item()
        values = {f"diverged/last_{key.replace('/', '_')}": value for key, value in last.items()}
        return {"diverged/cause": cause, "diverged/step": steps.start + min(finite + 1, len(steps)), **values}

    def _tell_if_constant(self) -> None:
        losses = [row["test/loss"] for row in self.rows]
        if len(losses) > 1 and losses[-1] == losses[-2] != 0 and losses[-2] not in losses[:-2]:
            self.control.tell(
                f"the test loss is exactly {losses[-1]:.6g} after epochs {self.epoch - 1} and {self.epoch}: "
                "the net does not learn (learning rate 0, or units that are all off?)"
            )


def open_session(spec: RunSpec, data: Dataset, folder: Path, control: Control) -> Session:
    """The run as its last checkpoint has it, or at its start; the same in all processes that train it together."""
    (own := ProcessState(spec)).take()
    state = group.from_first(lambda: checkpoint.load(folder, spec.run_id, control.tell))
    control = replace(control, stop=group.any_of(control.stop))
    built = build_net(spec, data).to(torch.device(spec.device)).to(memory_format=torch.channels_last)
    net = prepared(built, spec)
    optimiser = make_optimiser(net, spec)
    ema = None if spec.recipe.ema is None else Ema(net, spec.recipe.ema)
    make, batches = SharedStep if is_shared(spec) else make_step, Batches(spec, data.train, part_of_process(spec))
    step = make(distributed(compiled(net, spec)), optimiser, ema, spec, batches)
    session = Session(spec, folder, control, own, step, net)
    step.claim = own.take
    if state:
        session.restore(state)
    return session
