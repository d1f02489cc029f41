"""Everything that a study shows, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.results.effects import effects_table, times_table
from analysis.results.images import Disagreement, bits_of, disagreements, noise_table
from analysis.results.judged import claims_table
from analysis.results.protocol import Protocol, protocol
from analysis.results.variants import variants_table
from analysis.results.verdict import verdict
from analysis.results.verdict_lines import Verdict
from analysis.schema import ERROR
from analysis.study import Study
from analysis.study.problems import problems


@dataclass(frozen=True, eq=False)
class Findings:
    """What tables, verdict, figures and report of one study have in common; build it with
    `Findings.from_frames(runs, history)`.

    variants: see `variants_table`. effects, times, claims: as their functions give them, without rows where the
    study has none. noise, disagreements: by test images, see `results.images`; empty where logs lack them.
    problems: one line for each thing that is missing, doubled, unfinished or damaged.
    """

    study: Study
    protocol: Protocol
    variants: pd.DataFrame
    effects: pd.DataFrame
    times: pd.DataFrame
    claims: pd.DataFrame
    verdict: Verdict
    noise: pd.DataFrame
    disagreements: tuple[Disagreement, ...]
    problems: tuple[str, ...]

    @classmethod
    def from_frames(
        cls,
        runs: pd.DataFrame,
        history: pd.DataFrame | None = None,
        metric: str = ERROR.name,
        margin: float | None = None,
    ) -> Findings:
        """margin: differences below it do not matter, in the metric's unit; None: the paper's say what matters.

        Raises TableError where the runs are not of one declared ablation, or differ in more than the factors.
        """
        study = Study.from_frames(runs, history, metric, margin)
        alike, table = protocol(study), variants_table(study)
        claims, bits = claims_table(study), bits_of(study)
        return cls(
            study=study,
            protocol=alike,
            variants=table,
            effects=effects_table(study),
            times=times_table(study),
            claims=claims,
            verdict=verdict(table, study, alike, claims),
            noise=noise_table(study, bits),
            disagreements=disagreements(study, bits),
            problems=tuple(problems(study)),
        )
