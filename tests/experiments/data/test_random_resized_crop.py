"""Random resized crops against torchvision, image by image."""

import pytest
import torch
from scipy import stats
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.functional import hflip, resized_crop

from experiments.data.random_resized_crop import draw_boxes, resized_crops


@pytest.fixture
def stream():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("pixels", "side"), [(12, 12), (12, 5), (9, 16)])
def test_crops_equal_torchvisions_antialiased_ones(pixels, side, stream):
    """Smaller and larger than the box, at every aspect ratio drawn, flipped or not."""
    images = torch.rand(20, 3, pixels, pixels, generator=stream)
    box = draw_boxes(20, pixels, (0.08, 1.0), stream)
    flip = torch.randint(2, (20,), generator=stream)
    ours = resized_crops(images, box, flip, side)
    for n in range(20):
        theirs = resized_crop(images[n], *box[:, n].tolist(), [side, side], antialias=True)
        torch.testing.assert_close(ours[n], hflip(theirs) if flip[n] else theirs, atol=2e-6, rtol=1e-5)


def test_boxes_lie_inside_and_have_the_area_and_aspect_asked_for(stream):
    top, left, height, width = draw_boxes(5000, 224, (0.08, 0.5), stream)
    assert min(top.min(), left.min()) >= 0
    assert max((top + height).max(), (left + width).max()) == 224  # some touch the border, none crosses it
    area, aspect = height * width / 224**2, width / height
    half = 0.5 / 60  # half a pixel on the shortest side
    assert 0.08 * (1 - 2 * half) <= area.min()
    assert area.max() <= 0.5 * (1 + 2 * half)
    assert 3 / 4 * (1 - 2 * half) <= aspect.min()
    assert aspect.max() <= 4 / 3 * (1 + 2 * half)
    assert stats.kstest(area.numpy(), stats.uniform(0.08, 0.42).cdf).pvalue > 0.01  # "distributed evenly"


def test_boxes_are_distributed_as_torchvisions(stream):
    ours = draw_boxes(3000, 64, (0.08, 1.0), stream).double().numpy()
    torch.manual_seed(0)
    image = torch.zeros(3, 64, 64)
    theirs = [RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(3000)]
    for mine, other in zip(ours, zip(*theirs, strict=True), strict=True):
        assert stats.ks_2samp(mine, other).pvalue > 0.01


def test_the_whole_image_is_used_if_no_box_fits(stream):
    """A box of the whole area fits only at the image's own aspect ratio."""
    assert draw_boxes(50, 500, (1.0, 1.0), stream).T.unique(dim=0).tolist() == [[0, 0, 500, 500]]
