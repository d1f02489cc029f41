"""Images that are read while a run trains give the same bits as the same images in memory, however they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data import streamed
from experiments.data.augment import Batches
from experiments.data.load import DataError, load_for, prepare
from experiments.data.moments import MomentsOf
from experiments.data.order import batch_indices
from experiments.data.split import Split
from experiments.data.streamed import Streamed
from experiments.loading import Loading, workers_for
from experiments.own_images import folder, npz
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec
from experiments.training.train import train

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES, PER_CLASS, SIDE = 3, 7, 12
# 14 of 21 images, batches of 8: steps within an epoch and across two of them; everything that a sample can draw.
RECIPE = Recipe(
    iterations=7, batch_size=8, learning_rate=0.01, crop_padding=0, crop_size=10, crop_area=(0.3, 1.0), pca_noise=0.1
)
AUGMENTED = {"rand_augment": 2, "random_erasing": 0.5, "mixup": 0.2, "cutmix": 1.0}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEGs of noise, of many sizes, in train/ and val/."""
    root, noise = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for part, count in (("train", PER_CLASS), ("val", 3)):
        for label in range(CLASSES):
            (root / part / f"class{label}").mkdir(parents=True)
            for k in range(count):
                pixels = noise.integers(0, 256, (*noise.integers(10, 30, 2), 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / f"class{label}" / f"{k}.jpg", quality=95)
    return root


@pytest.fixture
def spec(images: Path) -> RunSpec:
    folder.describe.cache_clear()
    data = DataSpec(f"imagefolder:{images}", train_images=15, image_size=SIDE, normalisation="channel")
    return RunSpec(net=NetSpec("resnet8"), data=data, recipe=RECIPE, seed=3)


def streamed_data(spec: RunSpec, root: Path, workers: int = 0):
    data = load_for(spec.data, root, Loading("always", workers))
    assert isinstance(data.train, Streamed)
    return data


def in_memory(spec: RunSpec):
    data = load_for(spec.data, loading=Loading("never"))
    assert isinstance(data.train, Split)
    return data


def batches_of(spec: RunSpec, data, steps) -> list[torch.Tensor]:
    batches = Batches(spec, data.train)
    found = [tensor for step in steps for tensor in batches(step)]
    batches.close()
    return found


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("augmented", [{}, AUGMENTED], ids=["crops", "all"])
def test_batches_equal_those_from_memory(spec, tmp_path, monkeypatch, workers, augmented):
    monkeypatch.setattr("experiments.data.read_ahead.PIECE", 3)  # of a batch of 8: pieces of 3, 3 and 2
    spec = replace(spec, recipe=replace(RECIPE, **augmented))
    expected = batches_of(spec, in_memory(spec), range(7))
    assert same(batches_of(spec, streamed_data(spec, tmp_path, workers), range(7)), expected)
    resumed = batches_of(spec, streamed_data(spec, tmp_path, workers), range(4, 7))
    assert same(resumed, expected[8:])
    other = batches_of(replace(spec, seed=4), streamed_data(spec, tmp_path), range(7))
    assert not same(other, expected)


def test_the_parts_of_a_batch_make_the_whole(spec, tmp_path):
    """As processes that share a batch read it: each its own part."""
    data = streamed_data(spec, tmp_path)
    whole = batches_of(spec, data, range(3))
    halves = [Batches(spec, data.train, part) for part in (slice(0, 4), slice(4, 8))]
    found = [torch.cat(parts) for step in range(3) for parts in zip(*(half(step) for half in halves), strict=True)]
    assert same(found, whole)
    assert batch_indices(spec, 1).tolist() == Batches(spec, in_memory(spec).train).draws(1).image.tolist()


def test_test_images_labels_moments_and_the_first_images_equal_those_in_memory(spec, tmp_path):
    ours, theirs = streamed_data(spec, tmp_path, workers=1), in_memory(spec)
    assert same([*map(torch.cat, zip(*ours.test.batches(4), strict=True))], [theirs.test.images, theirs.test.labels])
    assert [len(labels) for _, labels in ours.test.batches(4)] == [4, 4, 1]
    assert torch.equal(ours.train.labels, theirs.train.labels)
    assert torch.equal(ours.train.first(5).images, theirs.train.images[:5])
    expected = MomentsOf(theirs.train.images)
    for name in ("images", "total", "products"):
        assert torch.equal(*(torch.as_tensor(getattr(m, name)) for m in (ours.train.moments, expected)))
    pixels = theirs.train.images.numpy().astype(object)  # Python's own integers
    assert expected.products[0, 1] == (pixels[:, 0] * pixels[:, 1]).sum()
    assert expected.total[2, 3, 4] == pixels[:, 2, 3, 4].sum()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_equals_one_from_memory_also_when_it_is_stopped_within_an_epoch(spec, tmp_path, workers):
    from experiments.training import checkpoint
    from experiments.training.session import Control, StoppedError

    def trained(data, name: str, stop_after: int | None = None):
        rows, asked = [], iter(range(1000))
        control = Control(stop=lambda: stop_after is not None and next(asked) == stop_after)
        (tmp_path / name).mkdir(exist_ok=True)
        try:
            train(spec, data, tmp_path / name, rows.append, signals=True, control=control)
        except StoppedError:
            return None
        state = checkpoint.load(tmp_path / name, spec.run_id)
        return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows], state["net"]

    rows, net = trained(in_memory(spec), "memory")
    data = streamed_data(spec, tmp_path, workers)
    assert trained(data, "broken", stop_after=3) is None
    assert checkpoint.load(tmp_path / "broken", spec.run_id)["epoch"]["next_step"] == 3
    for name in ("streamed", "broken"):
        ours, weights = trained(streamed_data(spec, tmp_path, workers), name)
        assert ours == rows
        assert same(list(weights.values()), list(net.values()))


def test_every_image_is_looked_at_once_per_data_set(spec, images, tmp_path, monkeypatch):
    prepare(spec.data, tmp_path, Loading("always"))
    (kept,) = (tmp_path / "moments").glob("*.pt")
    expected = streamed_data(spec, tmp_path / "other").train.moments
    monkeypatch.setattr("experiments.data.survey.looked_at", None)
    assert torch.equal(streamed_data(spec, tmp_path).train.moments.total, expected.total)
    kept.write_bytes(b"damaged")
    with pytest.raises(TypeError):  # it would look again
        _ = streamed_data(spec, tmp_path).train.moments


@pytest.mark.parametrize(("part", "workers"), [("train", 0), ("val", 2)])
def test_a_damaged_image_is_named_before_training(images, tmp_path, part, workers):
    import shutil

    shutil.copytree(images, tmp_path / "copy")
    bad = tmp_path / "copy" / part / "class1" / "2.jpg"
    bad.write_bytes(bad.read_bytes()[:-60])
    with pytest.raises(DataError, match=rf"^{bad} cannot be read as an image: [^\n]*$"):
        prepare(DataSpec(f"imagefolder:{tmp_path / 'copy'}", image_size=SIDE), tmp_path, Loading("always", workers))


@pytest.mark.parametrize("side", [None, 9])
@pytest.mark.parametrize("grey", [True, False])
def test_an_uncompressed_archive_is_mapped(tmp_path, side, grey):
    npz.describe.cache_clear()
    shape = (10, 6, 8) if grey else (10, 6, 8, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    arrays = {"train_images": pixels, "train_labels": np.arange(10) % 2}
    np.savez(tmp_path / "a.npz", **arrays)
    spec = DataSpec(f"npz:{tmp_path / 'a.npz'}", image_size=side, split=0.6)
    ours, theirs = (load_for(spec, tmp_path, Loading(stream)) for stream in ("always", "never"))
    for part in ("train", "test"):
        split, memory = getattr(ours, part), getattr(theirs, part)
        assert same([*map(torch.cat, zip(*split.batches(3), strict=True))], [memory.images, memory.labels])


def test_a_compressed_archive_is_refused(tmp_path):
    npz.describe.cache_clear()
    arrays = {"train_images": np.zeros((4, 6, 8), dtype=np.uint8), "train_labels": np.arange(4) % 2}
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    with pytest.raises(DataError, match=r"b\.npz is compressed.*write it again with numpy\.savez"):
        load_for(DataSpec(f"npz:{tmp_path / 'b.npz'}", split=0.5), tmp_path, Loading("always"))


@pytest.mark.parametrize(
    ("memory", "gpu", "device", "kind"),
    [(1e12, 1e9, "cpu", Split), (1e4, 1e9, "cpu", Streamed), (1e12, 1e4, "cpu", Split), (1e12, 1e4, "cuda", Streamed)],
)
def test_images_stream_where_they_need_more_than_half_of_a_memory(
    spec, tmp_path, monkeypatch, memory, gpu, device, kind
):
    """30 images of 3 * 12 * 12 bytes: 12,960 bytes."""
    monkeypatch.setattr("experiments.machine.memory", lambda: memory)
    monkeypatch.setattr("experiments.machine.device_memory", lambda device: gpu if device == "cuda" else np.inf)
    assert isinstance(load_for(spec.data, tmp_path, device=device).train, kind)


def test_workers_leave_the_cores_that_training_needs():
    assert workers_for("cpu", threads=1, cores=1, runs=1) == 0
    assert workers_for("cpu", threads=1, cores=2, runs=1) == 1
    assert workers_for("cpu", threads=2, cores=16, runs=4) == 2
    assert workers_for("cuda", threads=1, cores=16, runs=2) == 7
    assert workers_for("cuda", threads=1, cores=1, runs=1) == 1


def test_a_reader_that_dies_is_one_line(spec, tmp_path, monkeypatch):
    import os

    data = streamed_data(spec, tmp_path, workers=1)
    _ = data.train.moments
    monkeypatch.setattr(streamed, "stacked", None)
    monkeypatch.setattr("experiments.data.pictures.read_image", lambda *_: os._exit(7))
    with pytest.raises(DataError, match=r"a process that reads images ended .*--loader-workers 0 for none$"):
        next(data.test.batches(4))


@pytest.mark.gpu
def test_batches_on_a_gpu_equal_those_from_its_memory(spec, tmp_path):
    """Steps follow each other at once, so a batch copied too early would overwrite the one before."""
    spec = replace(spec, device="cuda")
    cuda = torch.device("cuda")
    memory, data = in_memory(spec), streamed_data(spec, tmp_path, workers=1)
    expected = batches_of(spec, replace(memory, train=memory.train.to(cuda)), range(7))
    for steps, wanted in ((range(7), expected), (range(3, 7), expected[6:])):
        assert same(batches_of(spec, replace(data, train=data.train.to(cuda)), steps), wanted)
