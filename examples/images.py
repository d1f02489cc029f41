"""How small may images of circles and squares be? The images are drawn when the file is first loaded."""

from pathlib import Path

import numpy as np
from PIL import Image

from experiments.ablation import Ablation, Profile, Variant
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec

FOLDER = Path(__file__).absolute().with_name("shapes")  # shapes/train/circle/0.png, ..., shapes/val/square/31.png
SIDE = 32  # pixels


def draw(kind: str, stream: np.random.Generator) -> Image.Image:
    """A bright circle or square at a random place on a dark background, with noise on both."""
    row, column = stream.integers(8, SIDE - 8, 2)
    down, right = np.abs(np.mgrid[:SIDE, :SIDE] - np.array([row, column])[:, None, None])
    inside = np.hypot(down, right) < 7 if kind == "circle" else np.maximum(down, right) < 6
    return Image.fromarray((60 + 90 * inside + stream.integers(0, 60, (SIDE, SIDE))).astype(np.uint8))


if not FOLDER.exists():
    stream = np.random.default_rng(0)
    for part, count in (("train", 128), ("val", 32)):
        for kind in ("circle", "square"):
            (FOLDER / part / kind).mkdir(parents=True)
            for number in range(count):
                draw(kind, stream).save(FOLDER / part / kind / f"{number}.png")

ABLATION = Ablation(
    name="image_size",
    question="How small may images of circles and squares be?",
    factors=("data.image_size",),
    baseline="32",
    base=RunSpec(
        net=NetSpec("resnet8"),
        data=DataSpec(f"imagefolder:{FOLDER}", image_size=SIDE),
        recipe=Recipe(batch_size=32, learning_rate=0.05),
    ),
    variants=tuple(Variant(f"{side}", f"{side} pixels", {"data.image_size": side}) for side in (32, 16, 8)),
    profiles={"smoke": Profile(seeds=3, epochs=6)},
)
