"""Every ablation's stored results, their index, and the tables of them in README.md and results/README.md."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.output import summary
from analysis.output.safe_text import markdown
from analysis.output.summary import Summary
from benchmarks.command_line import UsageError, run

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
KEPT = ("report.html", "table.md", "table.csv", "table_claims.csv", "seeds.png", summary.NAME)
WORDS = ("replicates", "contradicted", "better", "worse", "equivalent", "undecided", "no claim")
SHOWN = "resnet_preact"  # in README.md


@dataclass
class Args:
    """Run every ablation under a profile, and keep reports, tables and an index under results/.

    Finished runs are not trained again. Tables and figures come from the W&B logs alone. The tables of README.md and
    results/README.md are written between their marks.
    """

    profile: str = "smoke"
    """The profile that is run."""
    runs: Path = Path("runs")
    """Where runs are kept."""
    trained: bool = False
    """Train nothing: the runs that are there are all."""
    check: bool = False
    """Only say, with status 2, whether the tables in the two files are those of the stored results."""


def main(args: Args) -> None:
    if not args.check:
        if not args.trained:
            call(f"scripts/run_ablation.py --all --profile {args.profile} --out {shlex.quote(str(args.runs))}")
        source = shlex.quote(str(args.runs))
        call(f"scripts/make_report.py --all --source {source} --profile {args.profile} --out results")
        for folder in studies():
            prune(folder)
    for path, text in pages().items():
        if args.check and path.read_text() != text:
            raise UsageError(
                f"{path.relative_to(ROOT)} is not what results/ says; run python -m benchmarks.results --trained"
            )
        path.write_text(text)


def call(command: str) -> None:
    """One of this repository's commands, whose failure ends this one."""
    if subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT).returncode:
        raise UsageError(f"python {command} failed, see above")


def studies() -> list[Path]:
    return sorted(path.parent for path in RESULTS.rglob(summary.NAME))


def prune(folder: Path) -> None:
    """Keep what a reader of the repository opens; the rest can be made again."""
    for path in folder.iterdir():
        if path.name not in KEPT:
            path.unlink()


def pages() -> dict[Path, str]:
    """README.md and results/README.md with their tables made from the stored summaries."""
    found = {folder: summary.read(folder / summary.NAME) for folder in studies()}
    overview = "\n".join(overview_table(found))
    texts = {ROOT / "README.md": shown_table(found), RESULTS / "README.md": overview}
    return {path: between_marks(path.read_text(), text) for path, text in texts.items()}


def between_marks(page: str, text: str) -> str:
    """`page` with `text` between the lines "<!-- results -->" and "<!-- end of results -->"."""
    begin, end = "<!-- results -->\n", "<!-- end of results -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise UsageError(f"a page has no lines {begin.strip()} and {end}")
    return f"{before}{begin}{text}\n{end}{after}"


def shown_table(found: dict[Path, Summary]) -> str:
    """The one study that README.md shows: a line per variant, and the sentence that sums it up."""
    folder, study = next((folder, study) for folder, study in found.items() if study.ablation == SHOWN)
    lines = ["| variant | the paper | ours | verdict |", "|---|---|---|---|"]
    lines += [row([claim.variant, claim.paper or "", claim.ours, claim.verdict]) for claim in study.claims]
    link = (folder / "report.html").relative_to(ROOT).as_posix()
    caption = (
        f"{study.net} on {study.dataset}, {study.epochs} epochs, {study.seeds} seeds, {'; '.join(study.devices)}, "
        f"commit {', '.join(study.commits)}; [the report]({link})."
    )
    return "\n".join([*lines, "", study.headline, "", caption])


def overview_table(found: dict[Path, Summary]) -> Sequence[str]:
    """A row per study: what it asks, how long it ran, and how many differences got each verdict."""
    counts = {folder: Counter(claim.verdict for claim in study.claims) for folder, study in found.items()}
    heads = [
        "ablation",
        "profile",
        "question",
        "answer",
        "seeds",
        "epochs",
        *WORDS,
        "minutes of training, summed",
        "commit",
    ]
    lines = [row(heads), row(["---"] * 4 + ["---:"] * (len(heads) - 5) + ["---"])]
    for folder, study in found.items():
        link = f"[{study.ablation}]({(folder / 'report.html').relative_to(RESULTS).as_posix()})"
        minutes = "" if study.minutes is None else f"{study.minutes:.1f}"
        numbers = [str(counts[folder][word] or "") for word in WORDS]
        cells = [
            study.profile,
            study.question,
            study.headline,
            study.seeds,
            str(study.epochs),
            *numbers,
            minutes,
            ", ".join(study.commits),
        ]
        lines.append(row([link, *cells], escaped=1))
    return lines


def row(cells: Sequence[str], escaped: int = 0) -> str:
    """A row of a pipe table; the first `escaped` cells are Markdown already."""
    return f"| {' | '.join([*cells[:escaped], *map(markdown, cells[escaped:])])} |"


if __name__ == "__main__":
    run(Args, main)
