"""Batches, crops, flips and normalisation against a per-image loop and the definition."""

from dataclasses import replace

import pytest
import torch

from experiments.data.augment import Batches, Draws, Pixels, crop_and_flip
from experiments.data.load import Split
from experiments.spec import DataSpec, Recipe, RunSpec

CPU = torch.device("cpu")


@pytest.mark.parametrize(("padding", "side"), [(2, 5), (0, 3)])
def test_crops_and_flips_equal_a_loop_over_images(padding, side):
    torch.manual_seed(0)
    images = torch.randn(6, 3, 5, 7)
    top, left = torch.randint(5 + 2 * padding - side + 1, (6,)), torch.randint(7 + 2 * padding - side + 1, (6,))
    flip = torch.tensor([0, 1, 0, 1, 1, 0])
    ours = crop_and_flip(images, top, left, flip, padding, side)
    for n in range(6):
        canvas = torch.zeros(3, 5 + 2 * padding, 7 + 2 * padding)
        canvas[:, padding : padding + 5, padding : padding + 7] = images[n]
        cut = canvas[:, top[n] : top[n] + side, left[n] : left[n] + side]
        assert torch.equal(ours[n], cut.flip(-1) if flip[n] else cut)


def spec_of(images=10, batch=4, padding=1, flip=True, seed=0, **recipe) -> RunSpec:
    recipe = Recipe(iterations=100, batch_size=batch, crop_padding=padding, flip=flip, **recipe)
    return RunSpec(data=DataSpec("digits", images), recipe=recipe, seed=seed)


def test_every_epoch_shows_every_image_once():
    draws = Draws(spec_of(images=10, batch=4), CPU)
    shown = torch.cat([draws(step).image for step in range(10)])  # 40 samples: four epochs
    for epoch in shown.split(10):
        assert sorted(epoch.tolist()) == list(range(10))
    assert len({tuple(epoch.tolist()) for epoch in shown.split(10)}) == 4


def equal(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


AREA_AND_NOISE = {"crop_area": (0.2, 1.0), "pca_noise": 0.1}


@pytest.mark.parametrize("recipe", [{}, AREA_AND_NOISE])
def test_a_step_does_not_depend_on_the_steps_before(recipe):
    """Resuming is exact because a fresh object, asked for step 9 alone, gives the same draws."""
    spec = spec_of(**recipe)
    running = Draws(spec, CPU)
    for step in range(9):
        running(step)
    assert equal(running(9), Draws(spec, CPU)(9))


@pytest.mark.parametrize("recipe", [{}, AREA_AND_NOISE])
def test_variants_share_order_crops_and_noise_and_seeds_do_not(recipe):
    """Whatever else a variant changes: its net, or what happens after the batch is made."""
    a, b = spec_of(**recipe), replace(spec_of(**recipe), net=replace(RunSpec().net, options={"order": "full_preact"}))
    b = replace(b, recipe=replace(b.recipe, optimiser="rmsprop", label_smoothing=0.1, ema=0.9, test_crops="ten"))
    other = spec_of(seed=1, **recipe)
    assert equal(Draws(a, CPU)(3), Draws(b, CPU)(3))
    drawn, moved = Draws(a, CPU)(3), Draws(other, CPU)(3)
    differing = {name for name in drawn._fields if not torch.equal(getattr(drawn, name), getattr(moved, name))}
    assert differing == {"image", "box", "flip"} | ({"pca"} if recipe else set())


def test_one_augmentation_does_not_move_the_draws_of_another():
    """A variant with PCA noise sees the batches, crops and flips of one without."""
    plain, noisy = Draws(spec_of(), CPU)(3), Draws(spec_of(pca_noise=0.1), CPU)(3)
    assert equal(plain[:3], noisy[:3])
    assert equal(plain[::2], Draws(spec_of(crop_area=(0.2, 1.0)), CPU)(3)[::2])


@pytest.mark.parametrize(("padding", "flip", "side"), [(0, False, 8), (4, True, 8), (0, True, 6), (1, True, 6)])
def test_ranges_of_crops_and_flips(padding, flip, side):
    spec = spec_of(images=2000, batch=2000, padding=padding, flip=flip, crop_size=side)
    _, (top, left, height, width), mirrored, *_ = Draws(spec, CPU)(0)
    for corner in (top, left):
        assert sorted(corner.unique().tolist()) == list(range(8 + 2 * padding - side + 1))
    assert height.unique().tolist() == width.unique().tolist() == [side]
    assert 0.45 < mirrored.float().mean() < 0.55 if flip else mirrored.sum() == 0
    drawn = torch.stack([top, left, mirrored]).float()
    assert (padding, side) == (0, 8) or abs(torch.corrcoef(drawn)[0, 1]) < 0.1


def test_a_batch_is_normalised_cropped_and_labelled():
    images = torch.randint(256, (10, 1, 8, 8), dtype=torch.uint8)
    spec = spec_of(crop_size=6)
    got, labels = Batches(spec, Split(images, torch.arange(10)))(1)
    index, box, flip, *_ = Draws(spec, CPU)(1)
    assert torch.equal(labels, index)
    for n in range(4):
        padded = torch.nn.functional.pad(images[index[n]].double() / 255 - images.double().mean(0) / 255, (1,) * 4)
        top, left = box[:2, n]
        cut = padded[:, top : top + 6, left : left + 6]
        torch.testing.assert_close(got[n], (cut.flip(-1) if flip[n] else cut).float(), atol=1e-6, rtol=0)


def test_pixel_mean_is_subtracted_pixel_by_pixel():
    images = torch.randint(256, (50, 3, 4, 4), dtype=torch.uint8)
    expected = images.double() / 255 - (images.double() / 255).mean(0)
    torch.testing.assert_close(Pixels(images, "pixel_mean")(images), expected.float(), atol=1e-6, rtol=0)


def test_channel_normalisation_has_mean_0_and_deviation_1():
    images = torch.randint(256, (1500, 3, 4, 4), dtype=torch.uint8)
    out = Pixels(images, "channel")(images).double()
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), atol=1e-5, rtol=0)
