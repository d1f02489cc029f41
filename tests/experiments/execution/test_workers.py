"""How workers start on every system, and that signals sent to all processes reach their parent alone."""

import signal
import sys
import threading

import pytest

from experiments.execution import interruption, workers
from experiments.execution.interruption import Interrupted, blocked, graceful


@pytest.mark.parametrize(
    ("system", "device", "method"),
    [
        ("linux", "cpu", "forkserver"),
        ("linux", "cuda", "spawn"),  # a process forked from one that has touched CUDA cannot use it
        ("darwin", "cpu", "spawn"),
        ("darwin", "mps", "spawn"),
        ("win32", "cpu", "spawn"),
    ],
)
def test_how_workers_start(monkeypatch, system, device, method):
    monkeypatch.setattr(sys, "platform", system)
    assert workers.context(device).get_start_method() == method


@pytest.mark.parametrize(
    ("system", "device", "gpu", "early"),
    [
        ("linux", None, False, True),
        ("linux", None, True, False),
        ("linux", "cpu", True, True),
        ("linux", "cuda", True, False),
        ("darwin", "cpu", False, False),
        ("win32", None, False, False),
    ],
)
def test_where_a_server_loads_pytorch_early(monkeypatch, system, device, gpu, early):
    started = []
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(workers, "has_gpu", lambda: gpu)
    monkeypatch.setattr(workers, "start_server", lambda: started.append(True))
    workers.begin(device)
    assert bool(started) is early


def status_after(body):
    """The status in which `body(stop)`, signalled, ends."""

    def run():
        with graceful() as stop:
            body(stop)

    with pytest.raises(Interrupted) as caught:
        run()
    return caught.value.status


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGUSR2, 128 + signal.SIGUSR2)],
)
def test_a_signal_is_a_request_and_ends_in_the_customary_status(number, status, capfd):
    done = []

    def body(stop):
        stop.actions.append(lambda: done.append("told"))
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        done.append("finished the step")

    assert status_after(body) == status
    assert done == ["told", "finished the step"]
    assert capfd.readouterr().err.startswith("\nstopping: ")


def test_a_signal_that_was_ignored_before_stays_ignored(monkeypatch):
    """As SIGHUP under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with graceful() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_one_keystroke_that_arrives_twice_is_one(monkeypatch, capfd):
    left = []
    monkeypatch.setattr(interruption, "leave_at_once", left.append)

    def body(stop):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert left == []
        stop.since -= 1
        signal.raise_signal(signal.SIGINT)
        assert left == [signal.SIGINT]

    assert status_after(body) == 130


def test_signals_that_arrive_while_a_worker_starts_are_kept_for_afterwards(capfd):
    def body(stop):
        with blocked():
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # another thread might take one to the process
            assert not stop()
        assert stop()

    assert status_after(body) == 143


def test_without_signal_masks_workers_start_all_the_same(monkeypatch):
    """As on Windows."""
    monkeypatch.delattr(signal, "pthread_sigmask")
    started = []
    with blocked():
        started.append(True)
    assert started == [True]
