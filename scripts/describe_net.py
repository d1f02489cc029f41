#!/usr/bin/env python3
"""Print a net layer by layer: shapes, parameters, multiply-adds; or the differences between two variants of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nets import Option
    from nets.cost import LayerCost, Shape

SIDES = {
    **dict.fromkeys(("lenet5", "lenet"), 32),
    **dict.fromkeys(("inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2"), 299),
}


@dataclass
class Args:
    """Print a net layer by layer: output shapes, parameters, multiply-adds (one MAC counts as one).

    The net's own options follow its name, for example:

    describe_net.py resnet110 --order full_preact --downsample B

    describe_net.py resnet164 --diff order=original order=full_preact

    describe_net.py my_net --file path/to/mine.py --width 2
    """

    name: tyro.conf.Positional[str | None] = None
    """The net; --list shows all of them."""
    input: str | None = None
    """Input shape CxHxW, e.g. 3x224x224. Default: that of the paper."""
    diff: tuple[str, str] | None = None
    """Two values of an option, e.g. order=original order=full_preact: print only the layers that differ."""
    file: Path | None = None
    """An ablation file of your own, whose nets, units and layers are then known too."""
    options: bool = False
    """List the net's options and stop."""
    list_all: Annotated[bool, tyro.conf.arg(name="list")] = False
    """List the nets and stop."""
    table: bool = False
    """Print all nets beside published totals, as Markdown, and stop."""


@dataclass(frozen=True)
class Described:
    """A net's layers for one input, and its totals; parameters include those of heads used only in training."""

    name: str
    size: Shape
    layers: list[LayerCost]
    parameters: int
    weight_layers: int

    @property
    def shape(self) -> str:
        return "x".join(map(str, self.size))

    @property
    def totals(self) -> dict[str, int]:
        return {"parameters": self.parameters, "multiply_adds": sum(row.multiply_adds for row in self.layers)}

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """One printed row per layer."""
        return [
            (r.name, r.kind, "x".join(map(str, r.out_shape)), f"{r.parameters:,}", f"{r.multiply_adds:,}")
            for r in self.layers
        ]

    def __str__(self) -> str:
        return (
            f"{self.parameters:,} parameters, {self.totals['multiply_adds'] / 1e6:,.2f} M multiply-adds, "
            f"{self.weight_layers} weight layers (shortcuts not counted)"
        )


def net_options(words: list[str]) -> dict[str, str]:
    """The net's options as text: `--order full_preact` or `--order=full_preact`."""
    options: dict[str, str] = {}
    rest = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or not rest:
            raise ValueError(f"cannot read {option!r}; a net's option is written --order full_preact")
        options[option[2:].replace("-", "_")] = rest.pop(0)
    return options


def describe(name: str, texts: dict[str, str], shape: str | None) -> Described:
    """The net with options given as text. Raises ValueError for an unknown name, option, value or shape."""
    import torch

    import nets
    from nets import cost

    options = nets.options_of(name)
    if unknown := sorted(set(texts) - set(options)):
        raise ValueError(f"{name} has no option {unknown[0]!r}; it has {', '.join(options)}")
    chosen = {key: options[key].parse(text) for key, text in texts.items()}
    with torch.device("meta"):
        net = nets.build(name, **chosen)
    channels = chosen.get("in_channels", options["in_channels"].default)
    size = input_shape(shape) if shape else (channels, *(2 * (paper_side(name, options),)))
    try:
        return Described(name, size, cost.trace(net, size), cost.parameters(net), cost.weight_layers(net))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{name} cannot take an input of {'x'.join(map(str, size))}: {reason}") from None


def paper_side(name: str, options: Mapping[str, Option]) -> int:
    """Side in pixels of the images in the net's paper: 224 for ImageNet, 28 for MNIST, 32 for CIFAR."""
    if name in SIDES:
        return SIDES[name]
    return 224 if options["num_classes"].default == 1000 else 28 if options["in_channels"].default == 1 else 32


def input_shape(text: str) -> Shape:
    """The text 3x224x224 as (3, 224, 224)."""
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdigit() and int(size) for size in sizes):
        raise ValueError(f"--input {text}: an input is written CxHxW, e.g. 3x224x224")
    return tuple(map(int, sizes))


def print_rows(lines: list[tuple[str, ...]]) -> None:
    headings = ("layer", "kind", "output", "parameters", "multiply-adds")
    widths = [max(len(line[i]) for line in [headings, *lines]) for i in range(5)]
    for line in [headings, *lines]:
        left = "  ".join(text.ljust(width) for text, width in zip(line[:3], widths[:3], strict=True))
        print(left, *(text.rjust(width) for text, width in zip(line[3:], widths[3:], strict=True)), sep="  ")


def print_net(name: str, texts: dict[str, str], shape: str | None) -> None:
    """Layers and totals, and the numbers that papers and reference code state for the same net and input."""
    from analysis.published import costs

    net = describe(name, texts, shape)
    print_rows(net.rows)
    print(f"{name} on {net.shape}: {net}")
    for row in costs.of(name, texts, net.shape):
        mark = "" if row.confirmed else ", not confirmed"
        verdict = row.verdict(net.totals[row.quantity])
        print(f"  {row.text} {row.quantity.replace('_', '-')} by {row.source} ({row.kind}{mark}): {verdict}")


def print_table() -> None:
    """A Markdown row for every net and published variant: our totals, the published ones, and the differences."""
    import nets
    from analysis.published import costs

    variants = dict.fromkeys((c.net, c.options, c.input) for c in costs.load())
    listed = {net for net, options, _ in variants if not options}
    keys = [*variants, *((name, "", None) for name in nets.names() if name not in listed)]
    order = {name: i for i, name in enumerate(nets.names())}
    print("| net | options | input | parameters | multiply-adds | published or recounted |")
    print("|---|---|---|---:|---:|---|")
    for name, options, shape in sorted(keys, key=lambda key: order[key[0]]):
        texts = dict(word.split("=", 1) for word in options.split())
        net = describe(name, texts, shape)
        published = [
            f"{c.text} {c.quantity.replace('_', '-')}, {c.source}{'' if c.confirmed else ' (not confirmed)'}: "
            f"{c.verdict(net.totals[c.quantity])}"
            for c in costs.of(name, texts, net.shape)
        ]
        cells = (name, options, net.shape, *(f"{value:,}" for value in net.totals.values()))
        print("|", " | ".join((*cells, "<br>".join(published) or "none found")), "|")


def print_difference(name: str, texts: dict[str, str], pair: tuple[str, str], shape: str | None) -> None:
    """The layers of one variant that the other lacks, in the order of execution, in the format of diff."""
    import difflib

    variants = []
    for word in pair:
        option, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"--diff {word}: a variant is written OPTION=VALUE, e.g. order=full_preact")
        variants.append(describe(name, {**texts, option: value}, shape))
    first, second = (["  ".join(row) for row in net.rows] for net in variants)
    titles = (f"{name} {word}" for word in pair)
    lines = difflib.unified_diff(first, second, *titles, lineterm="", n=1)
    changed = [line for line in lines if not line.startswith("@@")]
    print("\n".join(changed) if changed else f"{pair[0]} and {pair[1]} run the same layers in the same order")
    for word, net in zip(pair, variants, strict=True):
        print(f"{word}: {net}")


def main(args: Args, words: list[str]) -> None:
    """`words` are the net's own options. Raises ValueError for anything that cannot be described."""
    import nets

    texts = net_options(words)
    if args.file:
        from experiments import ablations

        ablations.load(str(args.file))
    if args.list_all:
        print("\n".join(nets.names()))
    elif args.table:
        print_table()
    elif args.name is None:
        raise ValueError(f"name a net: {', '.join(nets.names())}")
    elif args.options:
        for name, option in nets.options_of(args.name).items():
            print(f"--{name} {option.default}  ({option})")
    elif args.diff:
        print_difference(args.name, texts, args.diff, args.input)
    else:
        print_net(args.name, texts, args.input)


def run(words: list[str]) -> int:
    args, options = tyro.cli(Args, args=words, return_unknown_args=True)
    try:
        main(args, options)
    except ValueError as error:
        print(f"describe_net: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough; nothing must be left for the flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
