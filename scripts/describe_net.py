#!/usr/bin/env python3
"""Print a net layer by layer: shapes, parameters, multiply-adds; or what differs between two variants of it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from nets import Option
    from nets.cost import LayerCost, Shape

SIDES = {
    **dict.fromkeys(("lenet5", "lenet"), 32),
    **dict.fromkeys(("inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2"), 299),
}
DESCRIPTION = """Print a net layer by layer: output shapes, parameters, multiply-adds (one MAC counts as one).

Options of the net follow its name, e.g.:
  describe_net.py resnet110 --order full_preact --downsample B
  describe_net.py resnet164 --diff order=original order=full_preact
  describe_net.py --list
  describe_net.py --table"""


def parse(words: list[str]) -> tuple[argparse.Namespace, dict[str, str]]:
    """The command's own arguments, and the net's options as text: `--order full_preact` or `--order=full_preact`."""
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="the net; --list shows them all")
    parser.add_argument("--input", metavar="CxHxW", help="input shape; default: the paper's")
    parser.add_argument("--diff", nargs=2, metavar="OPTION=VALUE", help="two variants: print only what differs")
    parser.add_argument("--options", action="store_true", help="list the net's options and stop")
    parser.add_argument("--list", action="store_true", help="list the nets and stop")
    parser.add_argument("--table", action="store_true", help="all nets beside published totals, as Markdown, and stop")
    known, rest = parser.parse_known_args(words)
    options: dict[str, str] = {}
    rest = [part for word in rest for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or not rest:
            raise ValueError(f"cannot read {option!r}; a net's option is written --order full_preact")
        options[option[2:].replace("-", "_")] = rest.pop(0)
    return known, options


def value_of(text: str, option: Option) -> Any:
    """`text` as the first of bool, None, int, float and str that the option accepts; else the text itself."""
    candidates: list[Any] = [{"True": True, "False": False, "None": None}.get(text.capitalize(), text)]
    for number in (int, float):
        try:
            candidates.append(number(text))
        except ValueError:
            continue
    return next((value for value in [*candidates, text] if option.accepts(value)), text)


def built(name: str, texts: dict[str, str], shape: str | None) -> tuple[list[LayerCost], Shape, int]:
    """The trace of the net, the input shape, and all parameters, heads for training too.

    Raises ValueError for what does not exist.
    """
    import torch

    import nets
    from nets import cost

    options = nets.options_of(name)
    if unknown := sorted(set(texts) - set(options)):
        raise ValueError(f"{name} has no option {unknown[0]!r}; it has {', '.join(options)}")
    chosen = {key: value_of(text, options[key]) for key, text in texts.items()}
    with torch.device("meta"):
        net = nets.build(name, **chosen)
    channels = chosen.get("in_channels", options["in_channels"].default)
    size = input_shape(shape) if shape else (channels, *(2 * (paper_side(name, options),)))
    try:
        return cost.trace(net, size), size, cost.parameters(net)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{name} cannot take an input of {'x'.join(map(str, size))}: {reason}") from None


def paper_side(name: str, options: dict[str, Option]) -> int:
    """Height and width in pixels that the net's paper trains at: 224 for ImageNet, 28 for MNIST, 32 for CIFAR."""
    if name in SIDES:
        return SIDES[name]
    return 224 if options["num_classes"].default == 1000 else 28 if options["in_channels"].default == 1 else 32


def input_shape(text: str) -> Shape:
    """The text 3x224x224 as (3, 224, 224)."""
    sizes = text.lower().split("x")
    if len(sizes) != 3 or not all(size.isdigit() and int(size) for size in sizes):
        raise ValueError(f"--input {text}: an input is written CxHxW, e.g. 3x224x224")
    return tuple(map(int, sizes))


def rows(trace: list[LayerCost]) -> list[tuple[str, ...]]:
    """One printed row a layer."""
    return [
        (r.name, r.kind, "x".join(map(str, r.out_shape)), f"{r.parameters:,}", f"{r.multiply_adds:,}") for r in trace
    ]


def print_rows(lines: list[tuple[str, ...]]) -> None:
    headings = ("layer", "kind", "output", "parameters", "multiply-adds")
    widths = [max(len(line[i]) for line in [headings, *lines]) for i in range(5)]
    for line in [headings, *lines]:
        left = "  ".join(text.ljust(width) for text, width in zip(line[:3], widths[:3], strict=True))
        print(left, *(text.rjust(width) for text, width in zip(line[3:], widths[3:], strict=True)), sep="  ")


def total(trace: list[LayerCost], parameters: int) -> str:
    weighted = sum(r.kind in ("Conv2d", "Linear") and "shortcut" not in r.name.split(".") for r in trace)
    return (
        f"{parameters:,} parameters, {sum(r.multiply_adds for r in trace) / 1e6:,.2f} M "
        f"multiply-adds, {weighted} weight layers off the shortcuts"
    )


def totals(trace: list[LayerCost], parameters: int) -> dict[str, int]:
    return {"parameters": parameters, "multiply_adds": sum(r.multiply_adds for r in trace)}


def print_published(name: str, texts: dict[str, str], ours: dict[str, int], size: Shape) -> None:
    """What papers and reference code count for the same net, and whether ours is that."""
    from analysis.published import costs

    for row in costs.of(name, texts, "x".join(map(str, size))):
        mark = "" if row.confirmed else ", not confirmed"
        verdict = row.verdict(ours[row.quantity])
        print(f"  {row.text} {row.quantity.replace('_', '-')} by {row.source} ({row.kind}{mark}): {verdict}")


def print_table() -> None:
    """A Markdown row for every net and published variant: ours, theirs, and what lies between them."""
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
        trace, size, parameters = built(name, texts, shape)
        ours = totals(trace, parameters)
        theirs = [
            f"{c.text} {c.quantity.replace('_', '-')}, {c.source}{'' if c.confirmed else ' (not confirmed)'}: "
            f"{c.verdict(ours[c.quantity])}"
            for c in costs.of(name, texts, "x".join(map(str, size)))
        ]
        cells = (name, options, "x".join(map(str, size)), *(f"{v:,}" for v in ours.values()))
        print("|", " | ".join((*cells, "<br>".join(theirs) or "none found")), "|")


def print_difference(name: str, texts: dict[str, str], pair: list[str], shape: str | None) -> None:
    """The lines that one variant has and the other lacks, in the order of execution, as diff prints them."""
    import difflib

    variants = []
    for word in pair:
        option, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"--diff {word}: a variant is written OPTION=VALUE, e.g. order=full_preact")
        variants.append(built(name, {**texts, option: value}, shape))
    lines = [["  ".join(row) for row in rows(trace)] for trace, _, _ in variants]
    changed = [
        line
        for line in difflib.unified_diff(*lines, *(f"{name} {word}" for word in pair), lineterm="", n=1)
        if not line.startswith("@@")
    ]
    print("\n".join(changed) if changed else f"{pair[0]} and {pair[1]} call the same layers in the same order")
    for word, (trace, _, parameters) in zip(pair, variants, strict=True):
        print(f"{word}: {total(trace, parameters)}")


def main(words: list[str]) -> int:
    try:
        known, texts = parse(words)
        import nets

        if known.list:
            print("\n".join(nets.names()))
        elif known.table:
            print_table()
        elif known.name is None:
            raise ValueError(f"name a net; there are: {', '.join(nets.names())}")
        elif known.options:
            for option, row in nets.options_of(known.name).items():
                print(f"--{option} {row.default}  ({row})")
        elif known.diff:
            print_difference(known.name, texts, known.diff, known.input)
        else:
            trace, size, parameters = built(known.name, texts, known.input)
            print_rows(rows(trace))
            print(f"{known.name} on {'x'.join(map(str, size))}: {total(trace, parameters)}")
            print_published(known.name, texts, totals(trace, parameters), size)
    except ValueError as error:
        print(f"describe_net: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read what it wants; nothing is left for the flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
