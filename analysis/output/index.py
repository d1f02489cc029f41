"""One page for all studies below a folder: questions, verdicts and sizes, each with a link to its report."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.output import summary
from analysis.output.report import templates
from analysis.output.safe_text import markdown
from analysis.output.summary import Summary


def write(folder: Path) -> list[Path]:
    """index.html and index.md in `folder`, of every study whose report lies below it; nothing where there is none.

    Raises TableError for a summary that cannot be read, OSError where nothing can be written.
    """
    found = {path.parent: summary.read(path) for path in sorted(folder.rglob(summary.NAME))}
    if not found:
        return []
    rows = [_row(where.relative_to(folder), study, where) for where, study in found.items()]
    rows.sort(key=lambda row: (row["study"].ablation, row["study"].profile, row["part"], row["link"]))
    texts = {
        "index.html": templates().get_template("index.html").render(
            rows=rows,
            words=list(dict.fromkeys(word for row in rows for word in row["counts"])),
            profiles=list(dict.fromkeys(row["study"].profile for row in rows)),
        ),
        "index.md": _markdown(rows),
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _row(place: Path, study: Summary, folder: Path) -> dict[str, Any]:
    picture = folder / f"{summary.PICTURE}.svg"
    content = base64.b64encode(picture.read_bytes()).decode() if picture.is_file() else ""
    return {
        "study": study,
        "part": "" if place.name == study.profile else place.name,  # other seeds or variants than the profile's
        "link": quote((place / "report.html").as_posix()),
        "counts": Counter(claim.verdict for claim in study.claims),
        "picture": f"data:image/svg+xml;base64,{content}" if content else "",
    }


def _markdown(rows: list[dict[str, Any]]) -> str:
    heads = ("study", "question", "verdict", "variants: ours", "n", "device", "commit")
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    for row in rows:
        study: Summary = row["study"]
        sizes = [markdown(f"{one.variant}: {one.ours}: {one.verdict}") for one in study.claims]
        cells = (
            f"[{markdown(study.ablation)}, {markdown(row['part'] or study.profile)}]({row['link']})",
            markdown(study.question), markdown(study.headline), "<br>".join(sizes), study.seeds,
            markdown(", ".join(study.devices)), markdown(", ".join(study.commits)),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "# Ablations\n\n" + "\n".join(lines) + "\n"
