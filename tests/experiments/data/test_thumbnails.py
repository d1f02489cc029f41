"""Pictures of test images for a report: the very pixels, and none where the data set is not at hand."""

import io

import numpy as np
from PIL import Image

from experiments.data.load import load
from experiments.data.thumbnails import thumbnails


def test_the_pixels_and_the_class_of_a_bundled_data_set(tmp_path):
    test = load("digits", tmp_path).test
    found = thumbnails("digits", [0, 5, 10**6], tmp_path)
    assert list(found) == [0, 5]
    for i, one in found.items():
        assert one.label == str(int(test.labels[i]))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(one.png))), test.images[i, 0].numpy())


def test_nothing_is_downloaded_for_a_picture(tmp_path):
    assert thumbnails("cifar10", [0], tmp_path) == {}
    assert thumbnails("imagefolder:somewhere", [0], tmp_path) == {}
    assert thumbnails("somebody_elses", [0], tmp_path) == {}
    assert not list(tmp_path.iterdir())
