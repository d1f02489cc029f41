"""PCA colour noise, as AlexNet was trained with."""

from __future__ import annotations

import torch


class PcaNoise:
    """x + [p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T at every pixel x of an image (Krizhevsky et al. 2012, section 4.1).

    p and l are the eigenvectors and eigenvalues of the covariance of the channels over all training pixels; a is drawn
    for every image in every epoch, from N(0, 0.1^2) in the paper. The scale of x, not given in the paper, matters since
    l grows with its square: here pixels are x / 255.
    """

    def __init__(self, train_images: torch.Tensor) -> None:
        values, vectors = torch.linalg.eigh(channel_covariance(train_images))
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        vectors = vectors * largest.sign()  # an eigenvector's sign is arbitrary; runs must agree on one
        self.directions = (vectors * values).to(train_images.device, torch.float32)

    def __call__(self, draws: torch.Tensor) -> torch.Tensor:
        """(N, C) draws a to (N, C, 1, 1), to be added to x / 255."""
        return (draws @ self.directions.T)[:, :, None, None]


def channel_covariance(images: torch.Tensor) -> torch.Tensor:
    """Covariance (C, C) of x / 255 over all pixels of uint8 images (N, C, H, W), float64; the sums are exact."""
    channels, pixels = images.shape[1], images[:, 0].numel()
    total = torch.zeros(channels, dtype=torch.float64)
    products = torch.zeros(channels, channels, dtype=torch.float64)
    for part in images.cpu().split(1000):
        x = part.transpose(0, 1).flatten(1).double()
        total += x.sum(1)
        products += x @ x.T
    mean = total / pixels
    return (products / pixels - mean[:, None] * mean) / 255**2
