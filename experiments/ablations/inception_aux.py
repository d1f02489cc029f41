"""Do auxiliary heads help, and when? Szegedy et al. 2014, section 5, and 2015, section 4.

2014 (CVPR version): "around 0.5 %", and one head is as good as two. 2015: no faster at first, slightly better at the
end, and the lower head has no effect. The training curves show when they help. `paper` needs `--dataset
imagefolder:PATH`. `quick` (a quarter of the width, CIFAR-10) can show a difference of one or two points, and whether
nets with heads learn faster at first; it cannot decide the paper's half point.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Profile, Variant
from experiments.recipes import GOOGLENET
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET, SHORT
from experiments.spec import NetSpec, RunSpec

SMALL = {"net.name": "googlenet_cifar", "net.width": 0.25, "net.dropout": 0.0, **SHORT}

ABLATION = Ablation(
    name="inception_aux",
    question="Do auxiliary heads help, and when?",
    factors=("net.aux",),
    baseline="none",
    base=RunSpec(net=NetSpec("googlenet", {"large": "5x5", "norm": "lrn"}), data=IMAGENET, recipe=GOOGLENET),
    variants=(
        Variant("none", "no head", {"net.aux": "none"}),
        Variant("first", "the lower head", {"net.aux": "first"}),
        Variant("second", "the upper head", {"net.aux": "second"}),
        Variant("both", "both heads", {"net.aux": "both"}),
    ),
    profiles={
        "smoke": Profile(
            seeds=18, changes={**SMALL, **DIGITS, "recipe.learning_rate": 0.02, "data.train_images": 720}, epochs=3
        ),
        "quick": Profile(seeds=8, changes={**SMALL, **CIFAR10, "recipe.learning_rate": 0.02}, epochs=5),
        "paper": Profile(seeds=3),
    },
    published="szegedy2014_aux",
    paper_net="googlenet",
    fixed=FIXED,
    deviations=(
        Deviation(
            "learning rate, batch size, length, weight decay",
            "not stated",
            "{learning_rate}, {batch_size}, {epochs} epochs, {weight_decay}",
        ),
        Deviation("photometric distortions", "yes", "none"),
        Deviation("input maps of the heads", "14x14 on ImageNet", "14x14; 16x16 on images of 32x32, 4x4 on digits"),
    ),
)
