"""Small pictures of test images for a report, where the data set is at hand."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from analysis.schema import Thumbnail
from experiments.data.cache import cache_file, default_root, is_bundled
from experiments.data.load import Split, load
from experiments.datasets import DATASETS, is_own


def thumbnails(dataset: str, indices: Sequence[int], root: Path | None = None) -> dict[int, Thumbnail]:
    """Class and PNG of these images of the test set, by their places in it; of a user's own images and of a data set
    that would have to be downloaded, none. Raises DataError where the cache is damaged.
    """
    from PIL import Image

    if is_own(dataset) or dataset not in DATASETS:
        return {}
    where = root or default_root()
    if not (cache_file(dataset, where).exists() or is_bundled(DATASETS[dataset])):
        return {}
    test, made = load(dataset, where, download=False).test, dict[int, Thumbnail]()
    for i in indices:
        if isinstance(test, Split) and i < len(test.labels):
            pixels = test.images[i].permute(1, 2, 0).numpy()
            picture = io.BytesIO()
            Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(picture, "PNG")
            made[i] = Thumbnail(str(int(test.labels[i])), picture.getvalue())
    return made
