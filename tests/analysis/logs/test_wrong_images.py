"""Packed bits: by hand, against hypothesis, their size, and texts that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.fragment import MOST_TEXT
from analysis.logs.wrong_images import MOST_IMAGES, packed, unpacked


def test_nine_images_by_hand():
    """Bits 10000001 1 of images 0 to 8: bytes 0x81 0x80, "gYA=" in base64."""
    wrong = np.array([1, 0, 0, 0, 0, 0, 0, 1, 1], dtype=bool)
    assert packed(wrong) == "9:gYA="
    assert unpacked("9:gYA=").tolist() == wrong.tolist()


@given(st.lists(st.booleans(), max_size=70))
def test_what_is_packed_comes_back(wrong):
    assert unpacked(packed(np.array(wrong, dtype=bool))).tolist() == wrong


@pytest.mark.parametrize(("images", "characters"), [(10_000, 1_674), (50_000, 8_342)])
def test_the_size(images, characters):
    assert len(packed(np.ones(images, dtype=bool))) == characters
    assert len(packed(np.ones(MOST_IMAGES, dtype=bool))) < MOST_TEXT


@pytest.mark.parametrize(
    "text", [None, float("nan"), 3, "", "9", "9:", "9:gY", "9:gYA!", "90:gYA=", "-9:gYA=", "²:gA=="]
)
def test_anything_else_is_none(text):
    assert unpacked(text) is None
