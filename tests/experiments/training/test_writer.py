"""Checkpoints written by a thread: in order, unchanged by what is trained meanwhile, all on disk when they must be."""

import threading
import time
from contextlib import closing

import pytest
import torch

from experiments.training import checkpoint, writer
from experiments.training.checkpoint import CheckpointError
from experiments.training.session import Control, StoppedError
from experiments.training.train import train
from experiments.training.writer import Writer


def state(weights, epochs=1):
    rows = [{"epoch": k + 1} for k in range(epochs)]
    return {"run_id": "a", "rows": rows, "outcome": None, "net": {"w": weights}, "optimiser": {}}


@pytest.fixture
def slow(monkeypatch):
    """Saves that take as long as the test likes: each begins when `go` is set."""
    go, save = threading.Event(), checkpoint.save

    def wait_and_save(*arguments):
        assert go.wait(30)
        save(*arguments)

    monkeypatch.setattr(writer.checkpoint, "save", wait_and_save)
    yield go
    go.set()


def test_what_is_trained_meanwhile_is_not_in_it(folder, slow):
    weights = torch.ones(5)
    with closing(Writer(folder)) as writing:
        writing.write(state(weights))
        weights.zero_()
        assert checkpoint.load(folder, "a") is None  # the caller has not waited for the disk
        slow.set()
    assert torch.equal(checkpoint.load(folder, "a")["net"]["w"], torch.ones(5))


def test_they_are_written_in_order_and_the_last_two_are_kept(folder):
    weights = torch.zeros(1000)
    with closing(Writer(folder)) as writing:
        for epochs in range(1, 20):
            writing.write(state(weights.fill_(epochs), epochs))
    for name, epochs in ((checkpoint.NAME, 19), (checkpoint.PREVIOUS, 18)):
        kept = torch.load(folder / name, weights_only=True)
        assert len(kept["rows"]) == epochs
        assert kept["net"]["w"].unique().tolist() == [epochs]


def test_a_write_that_fails_is_raised_by_the_next_one_or_at_the_end(folder):
    with closing(Writer(folder / "gone")) as writing:
        writing.write(state(torch.ones(1)))
        with pytest.raises(CheckpointError, match="its folder is gone"):
            writing.write(state(torch.ones(1)))
    with pytest.raises(CheckpointError, match="its folder is gone"), closing(Writer(folder / "gone")) as writing:
        writing.write(state(torch.ones(1)))


def test_no_thread_stays(folder):
    before = threading.active_count()
    with closing(Writer(folder)) as writing:
        writing.write(state(torch.ones(1)))
    assert threading.active_count() == before


@pytest.mark.parametrize("steps", [3, 9])
def test_a_run_that_stops_has_its_checkpoint_on_disk(tiny, digits, one_thread, folder, slow, steps):
    """In its first epoch of 7 steps, and in its second, behind the checkpoint of the first."""
    asked = []

    def stop():
        asked.append(None)
        return len(asked) >= steps

    threading.Thread(target=lambda: (time.sleep(0.5), slow.set())).start()
    with pytest.raises(StoppedError):
        train(tiny, digits, folder, lambda row: None, control=Control(stop=stop))
    assert checkpoint.load(folder, tiny.run_id)["epoch"]["next_step"] == (steps if steps < 7 else steps - 1)
