"""One HTML file that says what an ablation showed, and opens without a network."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis import comparable, tables
from analysis.render import to_html as table_html
from analysis.report_curves import MOST_EPOCHS, MOST_SEEDS, curve_data

TEMPLATES = Path(__file__).parent / "templates"
MOST_RUNS = 500  # listed one by one; the rest is counted
MOST_PROBLEMS = 200
CAPTIONS = {
    "training_curves": "Learning curves: median over the seeds, band from minimum to maximum.",
    "seeds": "Every seed a dot, paired lines to the baseline.",
    "degradation": "Error against depth.",
    "interaction": "Interaction of the factors.",
    "ladder": "The ladder, step by step.",
    "error_to_target": "Epochs to the target training error.",
    "error_against_cost": "Error against parameters and multiply-adds.",
    "signal_activation": "Size of the activations, unit by unit.",
    "signal_gradient": "Size of the gradients, unit by unit.",
    "gates": "Gate values through training.",
}


def write(
    table: pd.DataFrame, runs: pd.DataFrame, history: pd.DataFrame, pictures: dict[str, Path], folder: str | Path
) -> Path:
    """The path of `report.html` in `folder`. pictures: figure name -> its SVG file, taken into the page.

    Raises comparable.TableError where the runs are not of one declared ablation, OSError where nothing can be written.
    """
    path = Path(folder) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(table, runs, history, pictures), encoding="utf-8")
    return path


def to_html(table: pd.DataFrame, runs: pd.DataFrame, history: pd.DataFrame, pictures: dict[str, Path]) -> str:
    """The page; it refers to nothing outside itself. Text from the logs is escaped."""
    declared = comparable.declaration(runs)
    header, *verdicts = tables.verdict_lines(table, runs)
    found = tables.problems(runs)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(
        declared=declared,
        profile=runs["profile"].iloc[0],
        protocol=tables.protocol_note(runs),
        header=header,
        verdicts=[_verdict(line) for line in verdicts],
        table=table_html(table),
        pictures=[(name, CAPTIONS.get(name, name), _data_uri(path)) for name, path in pictures.items()],
        curves=_json(curve_data(runs, history)),
        most_seeds=MOST_SEEDS,
        most_epochs=MOST_EPOCHS,
        fixed=declared_list(runs, "fixed"),
        deviations=declared_list(runs, "deviations"),
        problems=found[:MOST_PROBLEMS],
        problems_left=max(0, len(found) - MOST_PROBLEMS),
        runs=run_rows(runs)[:MOST_RUNS],
        runs_left=max(0, len(runs) - MOST_RUNS),
        versions=versions(runs),
    )


def declared_list(runs: pd.DataFrame, key: str) -> list[Any]:
    """A list in the newest run's declaration; [] in logs from before it was declared."""
    column = f"config.ablation.{key}"
    if column not in runs:
        return []
    lists = [value for value in runs.sort_values("started")[column] if isinstance(value, list)]
    return lists[-1] if lists else []


def run_rows(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Run by run its name, seed, outcome, last error and source, and in which settings it differs from the others.

    A setting that the same value has in all runs is said by none; the seed has a column of its own.
    """
    varying = {
        column.removeprefix("config."): texts
        for column in runs
        if column.startswith(comparable.GUARDED)
        and (texts := [_setting(value) for value in runs[column]]) != texts[:1] * len(texts)
    }
    errors = pd.to_numeric(runs[comparable.ERROR]) if comparable.ERROR in runs else pd.Series(index=runs.index)
    return [
        {
            "name": run.name_ or run.run_id,
            "seed": "" if pd.isna(run.seed) else run.seed,
            "outcome": run.outcome,
            "epochs": run.epochs,
            "error": "" if pd.isna(error) else f"{error:.2f}",
            "differs": [f"{key} = {texts[i]}" for key, texts in varying.items() if texts[i]],
            "source": run.source,
        }
        for i, (run, error) in enumerate(
            zip(runs.rename(columns={"name": "name_"}).itertuples(index=False), errors, strict=True)
        )
    ]


def versions(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Versions, device and commit as the runs logged them; several values where the runs do not agree."""
    columns = [column for column in runs if column.startswith("config.env.") or column == "config.device"]
    pairs = []
    for column in columns:
        values = sorted({_setting(value) for value in runs[column]} - {""})
        pairs.append((column.removeprefix("config.env.").removeprefix("config."), ", ".join(values)))
    return [(key, value) for key, value in pairs if value]


def _setting(value: Any) -> str:
    if not isinstance(value, list | dict) and not comparable.present(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _verdict(line: str) -> dict[str, str]:
    """A verdict line with the word that its mark shows."""
    text, _, said = line.rpartition(": ")
    word = next((word for word in ("replicates", "contradicted", "undecided") if said.startswith(word)), "none")
    return {"text": text or line, "said": said, "word": word}


def _data_uri(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _json(data: dict[str, Any]) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
