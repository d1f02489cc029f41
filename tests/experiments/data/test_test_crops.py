"""Test crops against torchvision's TenCrop and CenterCrop, and the prediction from several crops."""

import pytest
import torch
from torch import nn
from torchvision.transforms import CenterCrop, TenCrop

from experiments.data.augment import Pixels
from experiments.data.load import Split
from experiments.data.test_crops import crops_of, predict
from experiments.spec import DataSpec, Recipe, RunSpec
from experiments.training.evaluation import evaluate


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 6), (9, 8, 4), (7, 11, 4), (6, 6, 6)])
def test_ten_crops_are_torchvisions(height, width, side):
    images = torch.randn(2, 3, height, width)
    ours = crops_of(images, Recipe(crop_size=side, test_crops="ten"))
    theirs = TenCrop(side)(images)
    assert len(ours) == len(theirs) == 10
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 6), (9, 8, 4), (7, 11, 4)])
def test_the_single_crop_is_torchvisions_centre_crop(height, width, side):
    images = torch.randn(2, 3, height, width)
    (ours,) = crops_of(images, Recipe(crop_size=side))
    assert torch.equal(ours, CenterCrop(side)(images))


def test_without_a_crop_size_the_whole_image_is_tested():
    images = torch.randn(2, 3, 8, 8)
    assert crops_of(images, Recipe())[0] is images


class Corner(nn.Module):
    """Logits from the upper left pixel: (x, 0, -x)."""

    def forward(self, x):
        corner = x[:, 0, 0, 0]
        return torch.stack([corner, 0 * corner, -corner], 1)


def test_several_crops_predict_with_their_mean_softmax():
    crops = [torch.randn(5, 1, 2, 2) for _ in range(10)]
    mean = sum(Corner()(crop).softmax(1) for crop in crops) / 10
    torch.testing.assert_close(predict(Corner(), crops).exp(), mean)
    assert torch.equal(predict(Corner(), crops[:1]), Corner()(crops[0]))


def test_loss_and_error_of_ten_crops():
    """-log of the mean probability of the right class, and the class of the largest mean probability."""
    images = torch.randint(256, (30, 1, 8, 8), dtype=torch.uint8)
    labels = torch.randint(3, (30,))
    spec = RunSpec(data=DataSpec("digits"), recipe=Recipe(crop_size=5, test_crops="ten"))
    pixels = Pixels(images, "pixel_mean")
    row, _ = evaluate(Corner(), spec, Split(images, labels), pixels, batch=7)
    mean = torch.stack([Corner()(crop).softmax(1) for crop in TenCrop(5)(pixels(images))]).double().mean(0)
    assert row["test/loss"] == pytest.approx(-mean[range(30), labels].log().mean().item(), rel=1e-5)
    assert row["test/error"] == pytest.approx(100 * (mean.argmax(1) != labels).double().mean().item())
