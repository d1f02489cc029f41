"""A checkpoint is whole, or it is refused with one clear line."""

import pytest
import torch

from experiments.training import checkpoint


def test_what_is_saved_is_loaded(folder):
    state = {"run_id": "a", "rows": [{"epoch": 1, "x": 0.1}], "net": {"w": torch.randn(3)}}
    checkpoint.save(folder, state)
    back = checkpoint.load(folder, "a")
    assert torch.equal(back["net"]["w"], state["net"]["w"])
    assert back["rows"] == state["rows"]
    assert [path.name for path in folder.iterdir()] == ["checkpoint.pt"]


def test_none_where_there_is_none(folder):
    assert checkpoint.load(folder, "a") is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_damage_is_named(folder, damage):
    checkpoint.save(folder, {"run_id": "a", "net": {"w": torch.randn(300)}})
    path = folder / "checkpoint.pt"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes({"flip": bytes(raw), "truncate": bytes(raw[:-40]), "empty": b""}[damage])
    with pytest.raises(checkpoint.CheckpointError, match=r"checkpoint.pt is damaged .*; delete it to train"):
        checkpoint.load(folder, "a")


def test_another_runs_checkpoint_is_refused(folder):
    checkpoint.save(folder, {"run_id": "a"})
    with pytest.raises(checkpoint.CheckpointError, match="belongs to run a, not to b"):
        checkpoint.load(folder, "b")
