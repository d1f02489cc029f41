"""One image file to RGB pixels, whatever its mode, depth, orientation and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.own_images.picture import opened

if TYPE_CHECKING:
    from PIL import Image

BACKGROUND = (255, 255, 255)  # white, under transparent pixels
MOST_ELONGATED = 16  # the centre of an image more elongated is cropped to this ratio, so that it needs little memory
BLOCK_ROWS = 256


def read_image(name: str, size: int, channels: int = 3, raw: bytes | None = None) -> np.ndarray:
    """uint8 (channels, size, size): the short side resized to `size` (bilinear, antialiased), then the centre cropped.

    name: the file, or what `raw`, the file's contents, is called in a message. Raises DataError, naming it.
    """
    with opened(name, raw) as image:
        pixels = np.asarray(resized_and_cropped(to_rgb(image), size).convert("RGB" if channels == 3 else "L"))
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]


def to_rgb(image: Image.Image) -> Image.Image:
    """The image in RGB as a viewer shows it: the first frame, turned as its EXIF orientation says, on white.

    Of an image more elongated than MOST_ELONGATED the centre of that ratio.

    Grey images of more than 8 bits are scaled to 0..255: 16 bits by 1/257; int32 and float by their range, see `_grey`.
    Raises ValueError for values without a known range.
    """
    from PIL import Image, ImageOps

    # PNG and PPM hold no int32: Pillow gives this mode to their 16-bit images, in some versions.
    is_16_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    ImageOps.exif_transpose(image, in_place=True)
    longest = MOST_ELONGATED * min(image.size)
    if max(image.size) > longest:
        image = _centre(image, min(image.width, longest), min(image.height, longest))
    if is_16_bit or image.mode in ("I", "F"):
        image = Image.fromarray(_grey(np.asarray(image), is_16_bit))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image)
    return image.convert("RGB")


def resized_and_cropped(image: Image.Image, size: int) -> Image.Image:
    """The short side resized to `size`, as torchvision's Resize rounds the long one; the centre cropped to a square."""
    from PIL import Image

    short = min(image.size)
    width, height = (int(size * pixels / short) for pixels in image.size)
    return _centre(image.resize((width, height), Image.Resampling.BILINEAR), size, size)


def _centre(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _grey(values: np.ndarray, is_16_bit: bool) -> np.ndarray:
    """uint8: v / 257 for 16 bits; int32 and float by the largest: up to 255 v, above v / 257; float up to 1 255 v."""
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all() or low < 0 or high > 65535:
        raise ValueError(f"values from {low:g} to {high:g}; save it with 8 bits per channel, or values from 0 to 255")
    is_share = values.dtype.kind == "f" and high <= 1
    scale = 1 / 257 if is_16_bit or high > 255 else 255.0 if is_share else 1.0
    grey = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), BLOCK_ROWS):  # in float64, which for a large image at once would take much memory
        rows = slice(top, top + BLOCK_ROWS)
        grey[rows] = np.rint(values[rows].astype(np.float64) * scale)
    return grey
