"""A verdict in print: one line per variant, and the words that it uses."""

from __future__ import annotations

from dataclasses import dataclass

WORDS = ("replicates", "contradicted", "undecided")
OWN_WORDS = ("better", "worse")  # of runs that are compared with no paper


@dataclass(frozen=True)
class Line:
    """One variant against the baseline: what the paper shows, what these runs show, and the verdict in words.

    paper: empty where it has no number, None where there is no paper at all. word: one of WORDS; empty where the paper
    claims nothing about this pair. said: the verdict in a sentence; without a paper, how these runs read.
    """

    label: str
    paper: str | None
    ours: str
    word: str
    said: str

    @property
    def badge(self) -> str:
        """The verdict in a word or two."""
        if self.paper is not None:
            return self.word or "no claim"
        return self.said if self.said in OWN_WORDS else "undecided"

    def __str__(self) -> str:
        if self.paper is None:
            return f"{self.label}: {self.ours if self.ours.startswith(self.said) else f'{self.said}; {self.ours}'}"
        return f"{self.label}: {f'paper {self.paper}; ' * bool(self.paper)}ours {self.ours}: {self.said}"


@dataclass(frozen=True)
class Verdict:
    """header: whose protocol. lines: one per variant. further: counts, other pairs, ranks, the paper's own noise.

    headline: the verdict in a sentence, where there is no paper.
    """

    header: str
    lines: tuple[Line, ...]
    further: tuple[str, ...]
    headline: str = ""

    def texts(self) -> list[str]:
        """The header, one line per variant against the baseline, then the further lines."""
        return [self.header, *map(str, self.lines), *self.further]


def verdict_text(word: str, why: str) -> str:
    """ "replicates by the number of failures", "undecided: failed runs are left out of the pairs"."""
    return (": " if word == "undecided" else " ").join(filter(None, (word, why)))
