"""The report of an ablation: one HTML file that opens without a network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.output import images
from analysis.output.formatting import printed
from analysis.output.render import to_html as table_html
from analysis.output.report_curves import MOST_EPOCHS, MOST_SEEDS, curve_data
from analysis.output.report_parts import CAPTIONS, plan_rows, run_rows, shared_settings, versions
from analysis.results.findings import Findings
from analysis.schema import Metric, Thumbnail

TEMPLATES = Path(__file__).parent / "templates"
MOST_RUNS = 500  # listed one by one; the rest are counted
MOST_PROBLEMS = 200
NO_THUMBNAILS: Mapping[int, Thumbnail] = {}
WIDE_PT = 400.0  # two-column figures are wider than this


def write(
    findings: Findings,
    pictures: Mapping[str, Path],
    folder: str | Path,
    thumbnails: Mapping[int, Thumbnail] = NO_THUMBNAILS,
) -> Path:
    """Writes `report.html` in `folder` and returns its path. pictures: figure name -> SVG file, embedded in the page.
    thumbnails: of test images, by their places in the test set.

    Raises OSError where nothing can be written.
    """
    path = Path(folder) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(findings, pictures, thumbnails), encoding="utf-8")
    return path


def to_html(
    findings: Findings, pictures: Mapping[str, Path], thumbnails: Mapping[int, Thumbnail] = NO_THUMBNAILS
) -> str:
    """The page as text. It refers to nothing outside itself; text from the logs is escaped."""
    study = findings.study
    declared, runs, found = study.declared, study.runs, findings.problems
    return (
        templates()
        .get_template("report.html")
        .render(
            declared=declared,
            profile=runs["profile"].iloc[0],
            protocol=findings.protocol.note,
            headline=findings.verdict.headline,
            verdict=findings.verdict,
            table=_table(findings.variants),
            effects=_table(findings.effects),
            times=_table(findings.times),
            claims=_table(findings.claims),
            noise=_table(findings.noise),
            disagreements=images.listed(findings.disagreements, thumbnails),
            pictures=[_picture(name, path, study.metric) for name, path in pictures.items()],
            curves=_json(curve_data(study)),
            most_seeds=MOST_SEEDS,
            most_epochs=MOST_EPOCHS,
            plan=plan_rows(study),
            fixed=declared.fixed,
            shared=shared_settings(runs),
            differing=[*findings.protocol.differing, *([findings.protocol.runs] if findings.protocol.runs else [])],
            deviations=declared.deviations,
            problems=found[:MOST_PROBLEMS],
            problems_left=max(0, len(found) - MOST_PROBLEMS),
            runs=run_rows(study)[:MOST_RUNS],
            runs_left=max(0, len(runs) - MOST_RUNS),
            versions=versions(runs),
        )
    )


def templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _table(table: pd.DataFrame) -> dict[str, Any] | None:
    """A table and the notes below it; None for a table without rows."""
    return {"html": table_html(table, notes=False), "notes": printed(table).notes} if len(table) else None


def _picture(name: str, path: Path, metric: Metric) -> dict[str, Any]:
    content = path.read_bytes()
    width_pt = float(content.partition(b' width="')[2].partition(b'pt"')[0] or 0)
    uri = f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
    return {"name": name, "caption": CAPTIONS[name].format(metric=metric.label), "uri": uri, "wide": width_pt > WIDE_PT}


def _json(data: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
