"""PCA colour noise, as AlexNet was trained with."""

from __future__ import annotations

import torch

from experiments.data.moments import Moments, MomentsOf


class PcaNoise:
    """x + [p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T at every pixel x of an image (Krizhevsky et al. 2012, section 4.1).

    p and l are the eigenvectors and eigenvalues of the covariance of the channels over all training pixels; a is drawn
    for every image in every epoch, from N(0, 0.1^2) in the paper. The scale of x, not given in the paper, matters since
    l grows with its square: here pixels are x / 255.
    """

    def __init__(self, train: torch.Tensor | Moments, device: torch.device | None = None) -> None:
        values, vectors = torch.linalg.eigh(channel_covariance(train))
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        vectors = vectors * largest.sign()  # an eigenvector's sign is arbitrary; runs must agree on one
        self.directions = (vectors * values).to(device or torch.device("cpu"), torch.float32)

    def __call__(self, draws: torch.Tensor) -> torch.Tensor:
        """(N, C) draws a to (N, C, 1, 1), to be added to x / 255."""
        return (draws @ self.directions.T)[:, :, None, None]


def channel_covariance(train: torch.Tensor | Moments) -> torch.Tensor:
    """Covariance (C, C) of x / 255 over all pixels of uint8 images (N, C, H, W), float64; the sums are exact."""
    moments = MomentsOf(train) if isinstance(train, torch.Tensor) else train
    pixels = moments.images * moments.total[0].numel()
    mean = moments.total.sum((1, 2)).double() / pixels
    return (moments.products.double() / pixels - mean[:, None] * mean) / 255**2
