"""Do bfloat16 or compilation change the error? Each against eager float32, from equal weights, order and crops."""

from experiments.ablation import Ablation, Profile, Variant
from experiments.recipes import HE2016_CIFAR
from experiments.spec import DataSpec, NetSpec, RunSpec

ABLATION = Ablation(
    name="precision",
    question="Do bfloat16 or compilation change the error?",
    kind="parts",
    factors=("recipe.precision", "compiled"),
    baseline="fp32",
    base=RunSpec(net=NetSpec("resnet20"), data=DataSpec("cifar10"), recipe=HE2016_CIFAR),
    variants=(
        Variant("fp32", "eager fp32", {}),
        Variant("bf16", "eager bf16", {"recipe.precision": "bf16"}, factor="recipe.precision"),
        Variant("compiled", "compiled fp32", {"compiled": True}, factor="compiled"),
    ),
    profiles={"quick": Profile(seeds=5, epochs=1)},
)
