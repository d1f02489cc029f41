"""Batches, crops, flips and normalisation against a per-image loop and the definition."""

from dataclasses import replace

import pytest
import torch

from experiments.spec import DataSpec, Recipe, RunSpec
from experiments.training.augment import Draws, Pixels, crop_and_flip

CPU = torch.device("cpu")


def test_crops_and_flips_equal_a_loop_over_images():
    torch.manual_seed(0)
    images = torch.randn(6, 3, 5, 7)
    top, left = torch.randint(5, (2, 6))
    flip = torch.tensor([0, 1, 0, 1, 1, 0])
    ours = crop_and_flip(images, top, left, flip, padding=2)
    for n in range(6):
        canvas = torch.zeros(3, 9, 11)
        canvas[:, 2:7, 2:9] = images[n]
        cut = canvas[:, top[n] : top[n] + 5, left[n] : left[n] + 7]
        assert torch.equal(ours[n], cut.flip(-1) if flip[n] else cut)


def spec_of(images=10, batch=4, padding=1, flip=True, seed=0) -> RunSpec:
    recipe = Recipe(iterations=100, batch_size=batch, crop_padding=padding, flip=flip)
    return RunSpec(data=DataSpec("digits", images), recipe=recipe, seed=seed)


def test_every_epoch_shows_every_image_once():
    draws = Draws(spec_of(images=10, batch=4), CPU)
    shown = torch.cat([draws(step)[0] for step in range(10)])  # 40 samples: four epochs
    for epoch in shown.split(10):
        assert sorted(epoch.tolist()) == list(range(10))
    assert len({tuple(epoch.tolist()) for epoch in shown.split(10)}) == 4


def test_a_step_does_not_depend_on_the_steps_before():
    """What makes resuming exact: a fresh object, asked for step 9 alone, gives the same."""
    spec = spec_of()
    running = Draws(spec, CPU)
    for step in range(9):
        running(step)
    assert torch.equal(running(9), Draws(spec, CPU)(9))


def test_variants_share_order_and_crops_and_seeds_do_not():
    a, b = spec_of(), replace(spec_of(), net=replace(RunSpec().net, options={"order": "full_preact"}))
    assert torch.equal(Draws(a, CPU)(3), Draws(b, CPU)(3))
    assert not torch.equal(Draws(a, CPU)(3), Draws(spec_of(seed=1), CPU)(3))


@pytest.mark.parametrize(("padding", "flip"), [(0, False), (4, True)])
def test_ranges_of_crops_and_flips(padding, flip):
    _, top, left, mirrored = Draws(spec_of(images=2000, batch=2000, padding=padding, flip=flip), CPU)(0)
    for corner in (top, left):
        assert sorted(corner.unique().tolist()) == list(range(2 * padding + 1))
    assert 0.45 < mirrored.float().mean() < 0.55 if flip else mirrored.sum() == 0
    assert padding == 0 or abs(torch.corrcoef(torch.stack([top, left, mirrored]).float())[0, 1]) < 0.1


def test_pixel_mean_is_subtracted_pixel_by_pixel():
    images = torch.randint(256, (50, 3, 4, 4), dtype=torch.uint8)
    expected = images.double() / 255 - (images.double() / 255).mean(0)
    torch.testing.assert_close(Pixels(images, "pixel_mean")(images), expected.float(), atol=1e-6, rtol=0)


def test_channel_normalisation_has_mean_0_and_deviation_1():
    images = torch.randint(256, (1500, 3, 4, 4), dtype=torch.uint8)
    out = Pixels(images, "channel")(images).double()
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), atol=1e-5, rtol=0)
