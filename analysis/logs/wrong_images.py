"""Which test images a run got wrong in its last epoch, as a text in the summary of its log."""

from __future__ import annotations

import base64
import binascii

import numpy as np

KEY = "wrong_images"  # of the summary
MOST_IMAGES = 500_000  # longer texts are cut by readers of logs; ImageNet's 50,000 take 8.3 kB


def packed(wrong: np.ndarray) -> str:
    """ "N:BASE64" of N booleans in the order of the test set, eight per byte, the first in the highest bit.

    10,000 images are 1,250 bytes, 1,674 characters.
    """
    return f"{len(wrong)}:{base64.b64encode(np.packbits(wrong).tobytes()).decode()}"


def unpacked(text: object) -> np.ndarray | None:
    """The booleans that `packed` was given; None for anything else, as where an older log has none."""
    if not isinstance(text, str):
        return None
    count, _, bits = text.partition(":")
    try:
        data = np.frombuffer(base64.b64decode(bits, validate=True), dtype=np.uint8)
    except (binascii.Error, ValueError):
        return None
    if not (count.isascii() and count.isdecimal()) or len(data) != -(-int(count) // 8):
        return None
    return np.unpackbits(data, count=int(count)).astype(bool)
