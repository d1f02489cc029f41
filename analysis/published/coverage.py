"""Which published cells an ablation is compared with, and which have no counterpart, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from analysis.published import cells


def coverage_lines(ablation: str, table: str | None, variants: Collection[str]) -> Iterator[str]:
    """A line with both counts, then one for each cell without a counterpart. Raises PublishedError."""
    if table is None:
        yield f"{ablation}: no published table"
        return
    compared, others = cells.counterparts(table, variants)
    said = cells.differences(table, variants)
    others = others.drop(said.index)
    beside = f" and {len(said)} published as differences" if len(said) else ""
    yield (
        f"{ablation} ({table}): compared with {len(compared)} published cells{beside}; "
        f"{len(others)} without a counterpart"
        f"{':' if len(others) else ''}"
    )
    for _, cell in others.iterrows():
        yield f"  {cells.cell_name(cell)}"
