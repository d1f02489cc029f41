"""What an index says of one study, kept beside its report as `summary.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.results.findings import Findings
from analysis.study import Study, TableError
from analysis.study.values import readable

NAME = "summary.json"
PICTURE = "seeds"  # the figure that an index shows


@dataclass(frozen=True)
class Claim:
    """One variant against the baseline. paper: None where there is no paper. verdict: in a word or two."""

    variant: str
    paper: str | None
    ours: str
    verdict: str


@dataclass(frozen=True)
class Summary:
    """One study in short.

    n: seeds per variant, the fewest and the most. runs: those that count. minutes: of training, all runs together.
    devices, commits: one text for each that occurs.
    """

    ablation: str
    profile: str
    metric: str
    question: str
    headline: str
    claims: tuple[Claim, ...]
    n: tuple[int, int]
    runs: int
    failed: int
    net: str
    dataset: str
    epochs: int
    minutes: float | None
    devices: tuple[str, ...]
    commits: tuple[str, ...]
    problems: int

    @property
    def seeds(self) -> str:
        """ "5", or "3 to 5" where variants differ."""
        return f"{self.n[0]}" if self.n[0] == self.n[1] else f"{self.n[0]} to {self.n[1]}"


def summary_of(findings: Findings) -> Summary:
    study = findings.study
    counted, seeds = study.counted, [len(study.runs_of(name)) for name in study.declared.variants]
    seconds = pd.to_numeric(counted.get("summary.time/train_s", pd.Series(dtype=float))).sum()
    commits = ("config.env.commit", "config.env.dirty")
    return Summary(
        ablation=study.declared.name,
        profile=str(study.runs["profile"].iloc[0] or ""),
        metric=study.metric.label,
        question=study.declared.question,
        headline=findings.verdict.headline,
        claims=tuple(Claim(line.label, line.paper, line.ours, line.badge) for line in findings.verdict.lines),
        n=(min(seeds), max(seeds)),
        runs=len(counted),
        failed=int(counted["failed"].sum()),
        net="" if study.declared.is_factor("net.name") else readable(study.setting("net.name")),
        dataset=readable(study.setting("data.name")),
        epochs=int(counted["epochs"].max()) if len(counted) else 0,
        minutes=float(seconds) / 60 if seconds else None,
        devices=_values(study, "config.env.device") or _values(study, "config.device"),
        commits=tuple(_commit(*pair) for pair in _pairs(study, commits)),
        problems=len(findings.problems),
    )


def write(findings: Findings, folder: Path) -> Path:
    path = folder / NAME
    path.write_text(json.dumps(asdict(summary_of(findings)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Summary:
    """Raises TableError for a file that this version did not write."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found |= {key: tuple(found[key]) for key in ("n", "devices", "commits")}
        found["claims"] = tuple(Claim(**claim) for claim in found["claims"])
        return Summary(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise TableError(f"{path} is not a summary that this version writes ({error}); make its report again") from None


def _values(study: Study, column: str) -> tuple[str, ...]:
    found = study.counted.get(column, pd.Series(dtype=object))
    return tuple(sorted({readable(value) for value in found} - {""}))


def _pairs(study: Study, columns: tuple[str, str]) -> list[tuple[str, str]]:
    first, second = (study.counted.get(name, pd.Series("", study.counted.index)).map(readable) for name in columns)
    return sorted({pair for pair in zip(first, second, strict=True) if pair[0]})


def _commit(commit: str, dirty: str) -> str:
    return commit[:10] + " with changes" * (dirty == "yes")
