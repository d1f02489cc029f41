"""Torchvision's augmentations under named streams: the papers' formulas, equal for all variants and after a resume."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms import v2

from experiments.data.augment import Batches
from experiments.data.load import Split
from experiments.spec import DataSpec, Recipe, RunSpec
from experiments.training.losses import training_loss

PLAIN = Recipe(batch_size=8, crop_padding=0, flip=False)


@pytest.fixture(scope="module")
def split():
    stream = torch.Generator().manual_seed(0)
    images = torch.randint(256, (24, 3, 32, 32), generator=stream, dtype=torch.uint8)
    return Split(images, torch.arange(24) % 10)


def batches(split, seed=0, **recipe):
    spec = RunSpec(data=DataSpec("cifar10", train_images=24), recipe=replace(PLAIN, **recipe), seed=seed)
    return Batches(spec, split)


def test_mixup_is_the_formula(split):
    """l x_i + (1 - l) x_(i-1), and the same for the labels (Zhang et al. 2018, equation 1)."""
    images, labels = batches(split)(1)
    mixed, shares = batches(split, mixup=0.8)(1)
    hot = F.one_hot(labels, 10).float()
    assert labels[0] != labels[-1]
    own = shares[0, labels[0]]
    torch.testing.assert_close(mixed, own * images + (1 - own) * images.roll(1, 0))
    torch.testing.assert_close(shares, own * hot + (1 - own) * hot.roll(1, 0))
    assert 0 < own < 1


def test_cutmix_is_the_formula(split):
    """Pixels of x_i but for one rectangle of x_(i-1); labels by the areas (Yun et al. 2019, section 3.1)."""
    images, labels = batches(split)(1)
    mixed, shares = batches(split, cutmix=1.0)(1)
    own = (mixed == images).all(1)
    other = (mixed == images.roll(1, 0)).all(1)
    assert (own | other).all()
    rows, columns = (~own[0]).nonzero(as_tuple=True)
    box = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
    assert len(rows) == box  # a rectangle, the same in every image
    assert (own == own[0]).all()
    hot = F.one_hot(labels, 10).float()
    share = 1 - box / 32**2
    torch.testing.assert_close(shares, share * hot + (1 - share) * hot.roll(1, 0))


def test_with_both_every_batch_takes_one(split):
    """Halves of many batches, each exactly as with that kind alone."""
    both, mixup = batches(split, mixup=0.8, cutmix=1.0), batches(split)
    kinds = set()
    for step in range(12):
        images, _ = mixup(step)
        mixed, _ = both(step)
        kinds.add("cutmix" if ((mixed == images) | (mixed == images.roll(1, 0))).all() else "mixup")
    assert kinds == {"mixup", "cutmix"}


def test_rand_augment_is_torchvisions(split):
    """Image by image, from the seed that the named stream gives it; ahead of normalisation."""
    ours = batches(split, rand_augment=2, rand_augment_magnitude=9)
    samples = ours.draws(1)
    transform = v2.RandAugment(2, 9)
    expected = []
    for index, seed in zip(samples.image, samples.seed.tolist(), strict=True):
        torch.manual_seed(seed)
        expected.append(transform(split.images[index]))
    torch.testing.assert_close(ours(1)[0], ours.pixels(torch.stack(expected)), rtol=0, atol=0)
    assert not torch.equal(ours(1)[0], batches(split)(1)[0])


def test_random_erasing_sets_a_rectangle_to_the_mean(split):
    """0 after normalisation, in about the share of the images that the recipe says (Zhong et al. 2020)."""
    erased, images = batches(split, random_erasing=1.0)(0)[0], batches(split)(0)[0]
    changed = (erased != images).any(1)
    for one, image in zip(changed, erased, strict=True):
        rows, columns = one.nonzero(as_tuple=True)
        assert 0.02 * 0.8 <= len(rows) / 32**2 <= 0.33 * 1.2
        block = image[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert not block.any()
    half = [(batches(split, random_erasing=0.5)(s)[0] != batches(split)(s)[0]).any((1, 2, 3)) for s in range(3)]
    assert 0.2 < torch.cat(half).float().mean() < 0.8


ALL = {"mixup": 0.2, "cutmix": 1.0, "rand_augment": 2, "random_erasing": 0.5}


def test_they_depend_on_seed_and_step_alone(split):
    """Another process, in another order, after other draws: the same batch; another seed: another one."""
    first = batches(split, **ALL)
    expected = [first(step) for step in range(4)]
    torch.rand(7)
    again = batches(split, **ALL)
    for step in (3, 0):
        for got, wanted in zip(again(step), expected[step], strict=True):
            assert torch.equal(got, wanted)
    assert not torch.equal(batches(split, seed=1, **ALL)(0)[0], expected[0][0])


def test_they_leave_the_streams_of_dropout_and_of_crops_alone(split):
    torch.manual_seed(3)
    wanted = torch.rand(5)
    torch.manual_seed(3)
    batches(split, **ALL)(0)
    assert torch.equal(torch.rand(5), wanted)
    plain, augmented = batches(split).draws(2), batches(split, **ALL).draws(2)
    for name in ("image", "box", "flip", "pca"):
        assert torch.equal(getattr(plain, name), getattr(augmented, name))


def test_the_loss_of_mixed_labels_is_the_mixed_loss():
    """CE is linear in the labels: l CE(y_i) + (1 - l) CE(y_j), label smoothing included."""
    logits = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    one, other = torch.arange(6), torch.arange(6) + 3
    mixed = 0.7 * F.one_hot(one, 10).float() + 0.3 * F.one_hot(other, 10).float()
    for smoothing in (0.0, 0.1):
        recipe = Recipe(label_smoothing=smoothing)
        expected = 0.7 * training_loss(logits, one, recipe)[0] + 0.3 * training_loss(logits, other, recipe)[0]
        torch.testing.assert_close(training_loss(logits, mixed, recipe)[0], expected)
