"""What is each of the cumulative steps from GoogLeNet to Inception-v3 worth? Szegedy et al. 2015, Table 3.

Each variant keeps the steps before it. `paper` needs `--dataset imagefolder:PATH`. `quick` (a quarter of the width,
CIFAR-10 at 75 pixels, the smallest size that the nets take) can show the step to batch normalisation; the paper's later
steps are 0.3 to 1.2 points.
"""

from __future__ import annotations

from experiments.ablation import Ablation, Deviation, Factor, Profile, Variant, ladder
from experiments.recipes import INCEPTION_V3
from experiments.settings import CIFAR10, DIGITS, FIXED, IMAGENET_299, SHORT
from experiments.spec import NetSpec, RunSpec, with_changes

# SGD and RMSProp share the rates (0.0015, with BN that of BN-x30, Ioffe & Szegedy 2015): the optimiser is one step.
SGD: dict[str, object] = {"recipe.optimiser": "sgd", "recipe.label_smoothing": 0.0, "recipe.learning_rate": 0.0015}
BASE = with_changes(RunSpec(net=NetSpec("googlenet"), data=IMAGENET_299, recipe=INCEPTION_V3), SGD)
V2 = {"net.name": "inception_v3", "net.stem": "7x7", "net.aux_bn": False}
SMALL = {"net.width": 0.25, "net.dropout": 0.0, **SHORT}
ADAPTED = ("net.width", "net.dropout")

ABLATION = Ablation(
    name="inception_ladder",
    question="What is each step from GoogLeNet to Inception-v3 worth?",
    kind="ladder",
    factors=(
        Factor("batch normalisation, and the rate it allows", ("net.norm", "recipe.learning_rate")),
        Factor("BN-Inception's modules", ("net",)),
        Factor("Inception-v2", ("net",)),
        Factor("RMSProp", ("recipe.optimiser",)),
        Factor("label smoothing", ("recipe.label_smoothing",)),
        Factor("factorised 7x7", ("net.stem",)),
        Factor("BN in the auxiliary head", ("net.aux_bn",)),
    ),
    baseline="googlenet",
    base=BASE,
    variants=ladder(
        Variant("googlenet", "GoogLeNet", {"net.name": "googlenet", "net.norm": "lrn", "net.aux": "both"}),
        Variant(
            "bn_googlenet",
            "BN-GoogLeNet",
            {"net.norm": "batch", "recipe.learning_rate": 0.045},
            "batch normalisation, and the rate it allows",
        ),
        Variant("bn_inception", "BN-Inception", {"net.name": "inception_bn"}, "BN-Inception's modules"),
        Variant("inception_v2", "Inception-v2", V2, "Inception-v2"),
        Variant("rmsprop", "+ RMSProp", {"recipe.optimiser": "rmsprop"}, "RMSProp"),
        Variant("label_smoothing", "+ label smoothing", {"recipe.label_smoothing": 0.1}, "label smoothing"),
        Variant("factorised_7x7", "+ factorised 7x7", {"net.stem": "factorised"}, "factorised 7x7"),
        Variant("bn_auxiliary", "+ BN-auxiliary: v3", {"net.aux_bn": True}, "BN in the auxiliary head"),
    ),
    profiles={
        "smoke": Profile(
            seeds=6,
            changes={**SMALL, **DIGITS, "data.image_size": 75, "data.train_images": 480, "recipe.batch_size": 16},
            epochs=3,
            adapts=ADAPTED,
        ),
        "quick": Profile(seeds=8, changes={**SMALL, **CIFAR10, "data.image_size": 75}, epochs=4, adapts=ADAPTED),
        "paper": Profile(seeds=3),
    },
    published="szegedy2015_table3",
    paper_net="inception_v3",
    fixed=FIXED,
    deviations=(
        Deviation("test images", "48,238 of the 50,000", "all of the val/ folder", ("paper",)),
        Deviation("image size", "224 pixels up to BN-Inception, 299 from v2 on", "299 for all", ("paper",)),
        Deviation(
            "learning rate without RMSProp", "not stated", "0.0015 without BN, 0.045 with (BN-x30's)", ("paper",)
        ),
        Deviation("Inception-v2's modules", "the paper's Table 1", "those of the released v3, after a 7x7 stem"),
        Deviation("auxiliary heads", "not stated for BN-Inception", "GoogLeNet two, BN-Inception none, v2 and v3 one"),
        Deviation("replicas", "50 with batch 32, asynchronous", "one"),
    ),
)
