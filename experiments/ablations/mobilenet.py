"""Depthwise or full convolutions; thin or shallow; width; resolution. Howard et al. 2017, Tables 4 to 7.

Each variant changes one thing in MobileNet. The paper states top-1 accuracy; errors here are 100 minus accuracy.
`paper` needs `--dataset imagefolder:PATH`. `quick` (CIFAR-10, stem without stride) should rank widths and resolutions;
full against depthwise convolutions is 1.1 points in the paper and may remain undecided.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant
from experiments.recipes import MOBILENET
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET, SHORT
from experiments.spec import NetSpec, RunSpec

PARTS = ("mobilenet", "full", "shallow", "width_0.75", "width_0.5", "width_0.25")
SMALL = {"net.stem_stride": 1, "recipe.optimiser": "sgd", **SHORT}


def seen_at(pixels: int) -> Variant:
    """The same crops, resized to another resolution."""
    return Variant(f"resolution_{pixels}", f"{pixels} pixels", {"recipe.crop_size": pixels})


def kept_at(pixels: int) -> Variant:
    """Images of another resolution, where the recipe does not resize crops."""
    return Variant(f"images_of_{pixels}", f"{pixels} pixels", {"data.image_size": pixels})


ABLATION = Ablation(
    name="mobilenet",
    question="What do depthwise convolutions, width, depth and resolution cost and achieve?",
    kind="parts",
    factors=(
        Factor("convolution", ("net.convolution",)),
        Factor("depth", ("net.shallow",)),
        Factor("width", ("net.width",)),
        Factor("resolution", ("recipe.crop_size", "data.image_size")),
    ),
    baseline="mobilenet",
    base=RunSpec(net=NetSpec("mobilenet"), data=IMAGENET, recipe=MOBILENET),
    variants=(
        Variant("mobilenet", "MobileNet", {}),
        Variant("full", "full convolutions", {"net.convolution": "full"}),
        Variant("shallow", "shallow: 5 layers fewer", {"net.shallow": True}),
        *(Variant(f"width_{width:g}", f"width {width:g}", {"net.width": width}) for width in (0.75, 0.5, 0.25)),
        *map(seen_at, (192, 160, 128)),
        *map(kept_at, (27, 23, 18, 11)),
    ),
    profiles={
        "smoke": Profile(
            seeds=6,
            changes={
                **SMALL,
                **DIGITS,
                "data.image_size": 16,
                "data.train_images": 480,
                "recipe.batch_size": 16,
                "recipe.learning_rate": 0.2,
            },
            epochs=4,
            variants=(*PARTS, "images_of_11"),
            adapts=("recipe.crop_size", "data.image_size"),
        ),
        "quick": Profile(
            seeds=8,
            changes={**SMALL, **CIFAR10, "data.image_size": 32, "recipe.learning_rate": 0.1},
            epochs=3,
            variants=(*PARTS, "images_of_27", "images_of_23", "images_of_18"),
            adapts=("recipe.crop_size", "data.image_size"),
        ),
        "paper": Profile(seeds=3, variants=(*PARTS, "resolution_192", "resolution_160", "resolution_128")),
    },
    published="howard2017_tables4to7",
    paper_net="mobilenet",
    fixed=FIXED,
    deviations=(
        Deviation("learning rate, batch size, epochs", "not stated", "{learning_rate}, {batch_size}, {epochs}"),
        Deviation("last depthwise layer", "stride 2 between maps of 7x7, a misprint", "stride 1"),
        Deviation("crops", "fewer small ones, without a number", "35 to 100 % of the area", ("paper",)),
        Deviation("weight decay on depthwise filters", "little or none", "none"),
    ),
)
