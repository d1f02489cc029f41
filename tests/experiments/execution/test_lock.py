"""The lock of a run's folder: one holder, freed by its end on this host at once, on another by a still heartbeat."""

import subprocess
import sys
import time

import pytest

from experiments.execution import lock as module
from experiments.execution.lock import NAME, hold, holder_of, is_free, lock_of


def test_one_process_holds_it(folder):
    with hold(folder) as mine:
        assert mine is not None
        with hold(folder) as second:
            assert second is None
    with hold(folder) as again:
        assert again is not None


def of_another_host(folder):
    """A lock file as a process of another host has left it."""
    with hold(folder):
        text = (folder / NAME).read_text()
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    (folder / NAME).write_text(text.replace(f"host={fields['host']}", "host=elsewhere"))
    return folder / NAME


@pytest.fixture
def short_lease(monkeypatch):
    monkeypatch.setattr(module, "LEASE_S", 1.0)


def test_a_holder_on_another_host_is_left_alone_while_its_heart_beats(folder, short_lease):
    file, contender = of_another_host(folder), lock_of(folder)
    assert holder_of(folder).endswith(" on elsewhere")
    for _ in range(8):
        file.touch()
        assert not is_free(contender)
        time.sleep(0.3)


def test_a_dead_holder_on_another_host_is_taken_over(folder, short_lease):
    of_another_host(folder)
    contender, started = lock_of(folder), time.monotonic()
    while not is_free(contender):
        assert time.monotonic() - started < 10
        time.sleep(0.1)
    assert time.monotonic() - started >= 1.0
    contender.release()


def test_it_works_without_locks_of_the_operating_system(folder):
    code = """
import sys
from pathlib import Path
sys.modules["fcntl"] = None
from experiments.execution.lock import hold
with hold(Path(sys.argv[1])) as mine, hold(Path(sys.argv[1])) as second:
    print(mine is not None, second)
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "True None\n"
