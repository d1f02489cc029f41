"""A run that was killed and resumed equals an unbroken one bit for bit, whatever its recipe draws or keeps."""

from dataclasses import replace

import pytest
import torch

from experiments.data.load import Split
from experiments.spec import NetSpec
from experiments.training import checkpoint
from experiments.training.train import build_net, train

pytestmark = pytest.mark.usefixtures("one_thread")


class KilledError(Exception):
    pass


def trained(spec, data, folder, kill_after=None, signals=False):
    """Rows without their times, and the last checkpoint; killed when the row of epoch `kill_after` is logged."""
    rows = []

    def log(row):
        rows.append({key: value for key, value in row.items() if not key.startswith("time/")})
        if row["epoch"] == kill_after:
            raise KilledError

    folder.mkdir(exist_ok=True)
    if kill_after:
        with pytest.raises(KilledError):
            train(spec, data, folder, log, signals)
    else:
        assert train(spec, data, folder, log, signals) == "finished"
    return rows, checkpoint.load(folder, spec.run_id)


def tensors(state, name="net"):
    """A state's tensors by name, those of an optimiser too."""
    if isinstance(state, torch.Tensor):
        return {name: state}
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    return {path: tensor for key, value in items for path, tensor in tensors(value, f"{name}.{key}").items()}


def differing(a, b):
    ours, theirs = ({k: v for part in state for k, v in tensors(state[part], part).items()} for state in (a, b))
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not torch.equal(ours[name], theirs[name])]


@pytest.fixture
def data(digits):
    """With few test images: ten views of each are tested."""
    return replace(digits, test=Split(digits.test.images[:40], digits.test.labels[:40]))


# 200 images in 8 batches of 64: epochs of 4, 3 and 1 steps. Dropout draws its masks from the epoch's own stream.
EVERYTHING = {
    "optimiser": "rmsprop", "ema": 0.99, "clip_norm": 1.0, "label_smoothing": 0.1, "pca_noise": 0.1,
    "crop_area": (0.3, 1.0), "crop_size": 7, "crop_padding": 0, "flip": True, "test_crops": "ten",
    "batch_size": 64, "iterations": 8,
}  # fmt: skip
CASES = {
    "plain": ({}, NetSpec("resnet8")),
    "dropout": ({}, NetSpec("resnet8", {"order": "full_preact", "shortcut": "dropout"})),
    "everything": (EVERYTHING, NetSpec("googlenet_cifar", {"aux": "first", "width": 0.0625})),
}


@pytest.mark.parametrize("case", CASES)
def test_stopped_after_an_epoch_and_resumed_equals_unbroken(tiny, data, tmp_path, case):
    changes, net = CASES[case]
    spec = replace(tiny, net=net, recipe=replace(tiny.recipe, **changes))
    expected, whole = trained(spec, data, tmp_path / "whole", signals=True)
    _, halfway = trained(spec, data, tmp_path / "broken", kill_after=2, signals=True)
    resumed, broken = trained(spec, data, tmp_path / "broken", signals=True)
    assert resumed == expected
    assert differing(whole, broken) == []
    parts = {"net", "optimiser"} | ({"ema"} if changes else set())
    assert {name.split(".")[0] for name in differing(halfway, whole)} == parts


def test_the_ema_is_what_is_tested(tiny, data, tmp_path):
    """Decay 0: the EMA is the net itself. Otherwise another error for the same weights."""
    specs = [replace(tiny, recipe=replace(tiny.recipe, ema=decay)) for decay in (None, 0.0, 0.9)]
    (plain, a), (same, b), (averaged, c) = (trained(s, data, tmp_path / str(i)) for i, s in enumerate(specs))
    assert same == plain
    assert differing({"net": a["net"]}, {"net": b["net"]}) == differing({"net": b["net"]}, {"net": c["net"]}) == []
    assert differing({"net": b["net"]}, {"net": b["ema"]}) == []
    assert [row["train/loss"] for row in averaged] == [row["train/loss"] for row in plain]
    assert [row["test/loss"] for row in averaged] != [row["test/loss"] for row in plain]


def test_the_ema_of_two_steps_by_hand(tiny, data, tmp_path):
    """d2 (d1 w0 + (1 - d1) w1) + (1 - d2) w2, d1 = 2 / 11, d2 = 3 / 12; weights of runs of 1 and 2 steps."""
    recipe = replace(tiny.recipe, warmup=0.0, milestones=(), ema=0.9)
    one, two = (replace(tiny, recipe=replace(recipe, iterations=steps)) for steps in (1, 2))
    first = trained(one, data, tmp_path / "one")[1]["net"]
    state = trained(two, data, tmp_path / "two")[1]
    for name, w0 in build_net(two, data).named_parameters():
        expected = 3 / 12 * (2 / 11 * w0 + 9 / 11 * first[name]) + 9 / 12 * state["net"][name]
        torch.testing.assert_close(state["ema"][name], expected.detach(), rtol=1e-5, atol=1e-7)
    assert not torch.equal(first["conv1.weight"], state["net"]["conv1.weight"])


@pytest.mark.parametrize("case", ["dropout", "everything"])
def test_measuring_signals_changes_nothing(tiny, data, tmp_path, case):
    """Also where dropout draws from the global stream, and BN gathers statistics in training mode."""
    changes, net = CASES[case]
    spec = replace(tiny, net=net, recipe=replace(tiny.recipe, **{"iterations": 14, **changes}))
    rows, without = trained(spec, data, tmp_path / "without")
    measured, with_signals = trained(spec, data, tmp_path / "with", signals=True)
    assert differing({**without, "rows": []}, {**with_signals, "rows": []}) == []
    assert [{k: v for k, v in row.items() if not k.startswith("signal/")} for row in measured] == rows
    assert all(any(k.startswith("signal/gradient/") for k in row) for row in measured)
