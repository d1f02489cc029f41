"""The tables of a study as files: Markdown, CSV, LaTeX, HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.output import images
from analysis.output.latex import to_latex
from analysis.output.render import to_csv, to_html, to_markdown
from analysis.output.safe_text import markdown
from analysis.results.findings import Findings


def write_tables(findings: Findings, folder: str | Path, name: str, latex_columns: Sequence[str] = ()) -> list[Path]:
    """The paths of what was written, as far as there is anything to say.

    `name`.md (all tables with protocol, verdict and problems); then .csv (every number, unrounded), .tex and .html of
    `name`, and with _effects for a factorial or a ladder, with _times where a training error is the target,
    with _images where the logs say which test images were wrong.
    latex_columns: of `name`.tex, by their headings without units; five by default.
    """
    declared, note = findings.study.declared, findings.protocol.note
    further = {"effects": findings.effects, "times": findings.times, images.SUFFIX: findings.noise}
    further = {f"{name}_{key}": frame for key, frame in further.items() if len(frame)}
    tables = {name: findings.variants, **further}
    parts = [f"# {markdown(declared.question or declared.name)}", markdown(note), *map(to_markdown, tables.values())]
    parts.append("\n".join(f"- {markdown(line)}" for line in findings.verdict.texts()))
    if findings.problems:
        parts.append("\n".join(["Problems found:", "", *(f"- {markdown(line)}" for line in findings.problems)]))
    texts = {f"{name}.md": "\n\n".join(parts) + "\n"}
    for stem, table in tables.items():
        label = f"tab:{declared.name}{stem.removeprefix(name)}"
        tex = to_latex(table, note, label, latex_columns if stem == name else ())
        texts |= {f"{stem}.csv": to_csv(table), f"{stem}.tex": tex, f"{stem}.html": to_html(table)}
    if len(findings.claims):
        texts[f"{name}_claims.csv"] = to_csv(findings.claims)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (Path(folder) / file).write_text(text, encoding="utf-8")
    return [Path(folder) / file for file in texts]
