"""PCA colour noise against numpy."""

import numpy as np
import pytest
import torch

from experiments.data.augment import Batches, Draws
from experiments.data.load import Split
from experiments.data.pca_noise import PcaNoise, channel_covariance
from experiments.spec import DataSpec, Recipe, RunSpec

CPU = torch.device("cpu")


@pytest.fixture
def images():
    """1,200 images of correlated channels: more than one slice of the sums."""
    stream = torch.Generator().manual_seed(0)
    grey = torch.randint(200, (1200, 1, 4, 4), generator=stream)
    colours = torch.randint(56, (1200, 3, 4, 4), generator=stream)
    return (grey + colours * torch.tensor([1.0, 0.5, 0.2])[:, None, None]).to(torch.uint8)


def test_covariance_is_numpys(images):
    pixels = images.numpy().transpose(1, 0, 2, 3).reshape(3, -1) / 255
    np.testing.assert_allclose(channel_covariance(images).numpy(), np.cov(pixels, bias=True), rtol=1e-10)


def test_noise_is_the_papers_formula(images):
    """[p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T; up to the sign of p, which symmetric draws cannot tell apart."""
    pixels = images.numpy().transpose(1, 0, 2, 3).reshape(3, -1) / 255
    values, vectors = np.linalg.eig(np.cov(pixels, bias=True))
    noise = PcaNoise(images)
    for value, vector in zip(values, vectors.T, strict=True):
        k = int(np.argmin(np.abs(np.sort(values) - value)))  # ascending, as ours
        draw = torch.zeros(1, 3)
        draw[0, k] = 1.0
        ours = noise(draw)[0, :, 0, 0].numpy()
        sign = np.sign(ours @ vector)
        np.testing.assert_allclose(ours, sign * value * vector, rtol=1e-4, atol=1e-8)
        assert ours[np.abs(ours).argmax()] > 0


def test_noise_is_added_per_image_before_normalisation(images):
    recipe = Recipe(iterations=9, batch_size=6, crop_padding=0, flip=False, pca_noise=0.1)
    spec = RunSpec(data=DataSpec("cifar10", 1200, "channel", image_size=4), recipe=recipe)
    ours, _ = Batches(spec, Split(images, torch.zeros(1200, dtype=torch.int64)))(2)
    drawn = Draws(spec, CPU)(2)
    std = (images.double() / 255).std((0, 2, 3), correction=0)
    mean = (images.double() / 255).mean((0, 2, 3))
    shifted = images[drawn.image].double() / 255 + PcaNoise(images)(drawn.pca).double()
    torch.testing.assert_close(ours, ((shifted - mean[:, None, None]) / std[:, None, None]).float())


def test_draws_have_the_standard_deviation_asked_for():
    recipe = Recipe(iterations=9, batch_size=4000, pca_noise=0.1)
    draws = Draws(RunSpec(data=DataSpec("cifar10", 4000), recipe=recipe), CPU)(0).pca
    assert tuple(draws.shape) == (4000, 3)
    assert draws.std(0).tolist() == pytest.approx([0.1] * 3, rel=0.05)
    assert draws.mean(0).abs().max() < 0.01
