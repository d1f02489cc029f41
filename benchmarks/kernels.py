"""The kernels of a compiled training step on an H100, counted without one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import nets
from benchmarks.command_line import check_positive, run
from benchmarks.cuda.lowering import Lowered, assemble, lower
from benchmarks.speed import NETS, Net

# What a kernel is for, by its name: inductor names it after the operators that it fuses. The first match counts.
KINDS = (
    ("convolution's weight or input cast", r"triton_poi_fused__to_copy(_convolution)?$"),
    ("batches counted by BN", r"triton_poi_fused_add_copy_$"),
    ("reductions", r"triton_(red|per)_"),
    ("other", r""),
)


@dataclass
class Args:
    """Lower forward and backward pass of compiled nets for sm_90 and count their kernels; needs Triton, but no GPU.

    Loss, optimiser and augmentation come on top; a library call (a convolution, a product) has one kernel or more.
    """

    nets: tuple[Net, ...] = ("resnet20", "resnet110")
    """Which nets."""
    bf16: bool = True
    """Under autocast to bfloat16."""
    batch: int = 128
    """Images per step."""
    ptxas: bool = False
    """Also have Triton and ptxas compile every kernel."""


def main(args: Args) -> None:
    check_positive(args, "batch")
    for name in args.nets:
        spec = NETS[name]
        lowered = lower(nets.build(spec.name, **spec.options), (args.batch, 3, 32, 32), args.bf16)
        print(report(name, lowered))
        if args.ptxas:
            print(f"  ptxas takes all {len(assemble(lowered))} of them that differ")


def report(name: str, lowered: Lowered) -> str:
    """Launches by kind, and library calls by operator."""
    kinds = Counter(kind_of(kernel) for kernel in lowered.kernels)
    calls = Counter(lowered.library_calls)
    lines = [f"{name}: {len(lowered.kernels)} Triton kernels and {calls.total()} library calls per step"]
    lines += [f"  {kinds[kind]:5}  {kind}" for kind, _ in KINDS if kinds[kind]]
    lines += [f"  {count:5}  {call}" for call, count in calls.most_common()]
    return "\n".join(lines)


def kind_of(kernel: str) -> str:
    name = re.sub(r"_\d+$", "", kernel)
    return next(kind for kind, pattern in KINDS if re.match(pattern, name))


if __name__ == "__main__":
    run(Args, main)
