"""How figures look in print: sizes, fonts, colours, and files whose bytes repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

WIDTH_IN: Mapping[int, float] = {1: 3.3, 2: 6.9}  # one and two columns of a two-column paper
HEIGHT_IN = 2.2  # of the axes with their labels
LEGEND_ROW_IN = 0.15
# Okabe and Ito 2008, safe for colour-blind readers; the baseline, first in its ablation, is black, yellow last.
OKABE_ITO = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#F0E442")
LABELS = {
    "test/error": "test error (%)",
    "train/error": "training error (%)",
    "test/loss": "test loss",
    "train/loss": "training loss",
}
STYLE: Mapping[str, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType, as the conferences ask
    "svg.fonttype": "path",  # glyphs as paths: the same on every machine
    "svg.hashsalt": "ablation",
}


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with the settings above, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def colours(variants: tuple[str, ...]) -> dict[str, Any]:
    """One colour a variant, by its place in the ablation: Okabe and Ito's up to eight, then shades of cividis."""
    if len(variants) <= len(OKABE_ITO):
        return dict(zip(variants, OKABE_ITO, strict=False))
    shades = mpl.colormaps["cividis"].resampled(len(variants))
    return {name: mpl.colors.to_hex(shades(i)) for i, name in enumerate(variants)}


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """`name`.pdf, .svg and .png (300 dpi); the same figure, the same bytes: no date, a fixed salt for SVG's ids."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    with style():
        for suffix, metadata in (("pdf", {"CreationDate": None}), ("svg", {"Date": None}), ("png", {})):
            path = Path(folder) / f"{name}.{suffix}"
            figure.savefig(path, dpi=300, metadata=metadata)
            paths.append(path)
    return paths
