"""The test images in a report: the spread that they add, and those on which two variants disagree."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.output import formatting
from analysis.output.formatting import Printed, number
from analysis.results.images import Disagreement
from analysis.schema import Thumbnail

SUFFIX = "images"  # of the table's files


def noise(table: pd.DataFrame) -> Printed:
    """`noise_table`."""
    rows = [row for _, row in table.iterrows()]

    def column(name: str, form: str = ".2f") -> list[str]:
        return [number(row[name], form) for row in rows]

    columns = {
        "variant": [row["label"] for row in rows],
        "runs": [str(row["runs"]) for row in rows],
        "std (pp)": column("std"),
        "of the test set (pp)": column("finite"),
        "on all images (pp)": column("true"),
        "difference (pp)": ["baseline" if row["baseline"] else number(row["difference"], "+.2f") for row in rows],
        "s.e. seeds": column("seeds_error"),
        "s.e. images": column("images_error"),
        "s.e. both": column("both_error"),
    }
    notes = [
        f"w(r, i) = 1 where run r gets test image i of N = {table['images'].iloc[0]:,} wrong. std: over runs, of the "
        "error on this test set; of the test set: √(Σ Var w(r, i)) / N, which runs of equal quality would show too; on "
        "all images: √(N / (N − 1) (std² − of the test set²)), the std over runs of the error on the distribution of "
        "the test images, 0 where the test set explains it all (Jordan 2023, arXiv 2304.01910).",
        "s.e.: standard errors of the difference, in percentage points: seeds, for these test images, which the "
        "verdicts are about; images, for these runs; both, for new seeds and new images: √((MS seeds + MS images − "
        "MS rest) / (R N)), of a two-way analysis of variance over R seeds and N images.",
    ]
    return Printed(formatting.filled(columns), ("variant",), frozenset(), notes)


formatting.PRINTERS |= {"noise": noise}


def shown(found: tuple[Disagreement, ...]) -> list[int]:
    """The places in the test set of all listed images, ascending."""
    return sorted({image.index for each in found for image in each.images})


def listed(found: tuple[Disagreement, ...], thumbnails: Mapping[int, Thumbnail]) -> list[dict[str, Any]]:
    """For each variant a sentence and its images: index, class (empty if unknown), picture (None) and counts."""
    return [
        {
            "label": each.label,
            "said": _sentence(each),
            "runs": each.runs,
            "images": [
                {
                    "index": image.index,
                    "of": thumbnails[image.index].label if image.index in thumbnails else "",
                    "uri": _uri(thumbnails[image.index]) if image.index in thumbnails else None,
                    "variant": image.variant,
                    "baseline": image.baseline,
                }
                for image in each.images
            ],
        }
        for each in found
    ]


def _sentence(each: Disagreement) -> str:
    one = each.opposite == 1
    return (
        f"Over {each.runs} seed{'s' * (each.runs != 1)}, {each.opposite} image{'' if one else 's'} "
        f"{'is' if one else 'are'} wrong in every run of one of the two and right in every run of the other."
    )


def _uri(thumbnail: Thumbnail) -> str:
    return f"data:image/png;base64,{base64.b64encode(thumbnail.png).decode()}"
