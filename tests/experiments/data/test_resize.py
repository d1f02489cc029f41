"""Images resized at loading: pixels against Pillow's, shapes against the spec's."""

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data import resize
from experiments.data.load import DataError, load, load_for
from experiments.spec import DataSpec


@pytest.mark.parametrize("side", [16, 5, 3])
def test_pixels_equal_pillows_bilinear_ones(side):
    """Up to one grey level: Pillow rounds between its two passes."""
    digits = load("digits", train_images=20)
    ours = load("digits", train_images=20, image_size=side)
    assert torch.equal(ours.train.labels, digits.train.labels)
    differences = []
    for before, after in zip(digits.train.images, ours.train.images, strict=True):
        theirs = np.asarray(Image.fromarray(before[0].numpy()).resize((side, side), Image.Resampling.BILINEAR))
        differences.append(after[0].numpy().astype(int) - theirs)
    assert np.abs(differences).max() <= 1
    assert abs(np.mean(differences)) < 0.1  # truncating instead of rounding would be half a level darker


def test_the_spec_knows_the_shape_that_loading_gives():
    for spec in (DataSpec("digits", 50), DataSpec("digits", 50, image_size=8), DataSpec("digits", 50, image_size=12)):
        data = load_for(spec)
        for split in (data.train, data.test):
            assert tuple(split.images.shape[1:]) == spec.shape
            assert split.images.dtype == torch.uint8
        assert len(data.train.images) == spec.images == 50


def test_more_than_half_of_the_memory_is_refused(monkeypatch):
    """1,797 images of 1 x 100 x 100 bytes."""
    need = 1797 * 100 * 100
    for memory, fits in [(2 * need, True), (2 * need - 1, False)]:
        monkeypatch.setattr(resize.machine, "memory", lambda memory=memory: memory)
        if fits:
            load("digits", image_size=100)
        else:
            with pytest.raises(DataError, match=r"digits: 1797 images of 100x100 need .* choose a smaller image size"):
                load("digits", image_size=100)
