"""A checkpoint is whole, readable by PyTorch and sha256sum; a damaged one is set aside for the one before it."""

import errno
import hashlib
import io
import os
import random
import subprocess

import pytest
import torch

from experiments.training import checkpoint
from experiments.training.checkpoint import NAME, PREVIOUS, CheckpointError
from experiments.training.files import remove_leftovers

WEIGHTS = torch.randn(300, generator=torch.Generator().manual_seed(0))


def state(run_id="a", epochs=1, **more):
    rows = [{"epoch": k + 1, "x": 0.1} for k in range(epochs)]
    return {"run_id": run_id, "rows": rows, "outcome": None, "net": {"w": WEIGHTS}, "optimiser": {}, **more}


def epochs_of(folder, told=None):
    found = checkpoint.load(folder, "a", (told if told is not None else []).append)
    return None if found is None else len(found["rows"])


def test_what_is_saved_is_loaded(folder):
    checkpoint.save(folder, state())
    back = checkpoint.load(folder, "a")
    assert torch.equal(back["net"]["w"], WEIGHTS)
    assert back["rows"] == state()["rows"]
    assert sorted(path.name for path in folder.iterdir()) == [NAME, f"{NAME}.sha256"]


def test_pytorch_and_sha256sum_read_it_as_it_is(folder):
    checkpoint.save(folder, state())
    assert torch.load(folder / NAME, weights_only=True)["run_id"] == "a"
    done = subprocess.run(["sha256sum", "-c", f"{NAME}.sha256"], cwd=folder, capture_output=True, text=True)
    assert done.stdout == f"{NAME}: OK\n"


def test_the_one_before_the_last_is_kept(folder):
    for epochs in (1, 2, 3):
        checkpoint.save(folder, state(epochs=epochs))
    assert len(torch.load(folder / PREVIOUS, weights_only=True)["rows"]) == 2
    assert epochs_of(folder) == 3


def test_none_where_there_is_none(folder):
    assert checkpoint.load(folder, "a") is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_one_is_named_and_set_aside_and_the_one_before_it_used(folder, damage):
    for epochs in (1, 2):
        checkpoint.save(folder, state(epochs=epochs))
    path = folder / NAME
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged = {"flip": bytes(raw), "truncate": bytes(raw[:-40]), "empty": b""}[damage]
    path.write_bytes(damaged)
    told = []
    assert epochs_of(folder, told) == 1
    assert (folder / "checkpoint.damaged-1.pt").read_bytes() == damaged
    assert [str(path) in line and "checkpoint.damaged-1.pt" in line for line in told] == [True]
    assert epochs_of(folder, told) == 1
    assert len(told) == 1
    checkpoint.save(folder, state(epochs=2))
    assert epochs_of(folder) == 2


def test_bits_flipped_and_ends_cut_at_random_places_are_all_noticed(folder):
    for epochs in (1, 2):
        checkpoint.save(folder, state(epochs=epochs))
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    draw = random.Random(0)
    for k in range(100):
        for path in folder.iterdir():
            path.unlink()
        for name, content in whole.items():
            (folder / name).write_bytes(content)
        raw = bytearray(whole[NAME])
        place = draw.randrange(len(raw))
        raw[place] ^= 1 << draw.randrange(8)
        (folder / NAME).write_bytes(raw if k % 2 else raw[:place])
        told = []
        assert epochs_of(folder, told) == 1
        assert len(told) == 1


@pytest.mark.parametrize("moves", range(5))
def test_killed_at_any_point_of_a_save_one_checkpoint_is_whole(folder, monkeypatch, moves):
    """The four renames of a save, and a kill ahead of each of them or after the last."""

    class KilledError(Exception):
        pass

    for epochs in (1, 2):
        checkpoint.save(folder, state(epochs=epochs))
    replace, done = os.replace, []

    def killed(source, target):
        if len(done) == moves:
            raise KilledError
        done.append(target)
        replace(source, target)

    monkeypatch.setattr("pathlib.os.replace", killed)
    if moves < 4:
        with pytest.raises(KilledError):
            checkpoint.save(folder, state(epochs=3))
    else:
        checkpoint.save(folder, state(epochs=3))
    monkeypatch.undo()
    assert len(done) == moves
    assert epochs_of(folder) == (3 if moves == 4 else 2)
    checkpoint.save(folder, state(epochs=4))
    assert epochs_of(folder) == 4


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_takes_no_more_is_named_and_nothing_is_lost(folder, monkeypatch, number):
    checkpoint.save(folder, state())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.save(folder, state(epochs=2))
    line = str(caught.value)
    assert all(part in line for part in (str(folder / NAME), os.strerror(number), "the disk at /", "resume"))
    assert "\n" not in line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_vanished_folder_is_named(folder):
    with pytest.raises(CheckpointError, match=r"cannot write .*gone.*No such file.*its folder is gone"):
        checkpoint.save(folder / "gone", state())


def test_leftovers_of_a_killed_process_are_removed(folder):
    checkpoint.save(folder, state())
    (folder / "checkpoint.k1ll3d.tmp").write_bytes(b"half")
    remove_leftovers(folder)
    assert sorted(path.name for path in folder.iterdir()) == [NAME, f"{NAME}.sha256"]


def test_another_runs_checkpoint_is_refused(folder):
    checkpoint.save(folder, state())
    with pytest.raises(CheckpointError, match="belongs to run a, not to b"):
        checkpoint.load(folder, "b")


def test_another_format_or_a_missing_key_is_told_in_one_line(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 3)
    checkpoint.save(folder, state())
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"has format 3; this version of the program reads 1 and 2"):
        checkpoint.load(folder, "a")
    checkpoint.save(folder, {"run_id": "a"})
    with pytest.raises(CheckpointError, match=r"has no 'rows'; delete it"):
        checkpoint.load(folder, "a")


def test_the_first_format_is_still_read(folder):
    """The SHA-256 in the first 32 bytes, and the EMA under another name."""
    buffer = io.BytesIO()
    torch.save(state(average={"w": WEIGHTS}), buffer)
    content = buffer.getvalue()
    (folder / NAME).write_bytes(hashlib.sha256(content).digest() + content)
    back = checkpoint.load(folder, "a")
    assert torch.equal(back["ema"]["w"], WEIGHTS)
    checkpoint.save(folder, state(epochs=2))
    assert epochs_of(folder) == 2
