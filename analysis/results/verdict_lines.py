"""A verdict in print: one line per variant, and the words that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What becomes of a claim of the paper -> how a sentence says so of one claim, and of several.
WORDS: Mapping[str, tuple[str, str]] = {
    "replicates": ("replicates", "replicate"),
    "contradicted": ("is contradicted", "are contradicted"),
    "equivalent": ("shows equivalence", "show equivalence"),
    "undecided": ("is undecided", "are undecided"),
    "not run": ("was not run", "were not run"),
}
OWN_WORDS = ("better", "worse", "equivalent")  # of runs that are compared with no paper


@dataclass(frozen=True)
class Line:
    """One variant against the baseline: what the paper shows, what these runs show, and the verdict in words.

    paper: empty where it has no number, None where there is no paper at all. word: one of WORDS; empty where the paper
    claims nothing about this pair. said: the verdict in a sentence; without a paper, how these runs read. size: how
    large the difference is beside the paper's, and how often it shows.
    """

    label: str
    paper: str | None
    ours: str
    word: str
    said: str
    size: str = ""

    @property
    def badge(self) -> str:
        """The verdict in a word or two."""
        if self.paper is not None:
            return self.word or "no claim"
        return self.said if self.said in (*OWN_WORDS, "not run") else "undecided"

    def __str__(self) -> str:
        if self.paper is None:
            said = self.ours if self.ours.startswith(self.said) else f"{self.said}; {self.ours}"
        else:
            said = f"{f'paper {self.paper}; ' * bool(self.paper)}ours {self.ours}: {self.said}"
        return f"{self.label}: {'; '.join(filter(None, (said, self.size)))}"


@dataclass(frozen=True)
class Verdict:
    """header: whose protocol. lines: one per variant. further: other pairs, ranks, the paper's own noise, convergence.

    headline: the verdict in one sentence, the last line of its text.
    """

    header: str
    lines: tuple[Line, ...]
    further: tuple[str, ...]
    headline: str

    def texts(self) -> list[str]:
        """The header, one line per variant against the baseline, the further lines, then the headline."""
        return [self.header, *map(str, self.lines), *self.further, self.headline]


def counted(words: Iterable[str]) -> str:
    """ "2 replicate, 1 is contradicted and 1 is undecided", of words of WORDS; those that do not occur are left out."""
    found = list(words)
    count = {word: found.count(word) for word in WORDS}
    said = [f"{n} {WORDS[word][n != 1]}" for word, n in count.items() if n]
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def verdict_text(word: str, why: str) -> str:
    """ "replicates by the number of failures", "undecided: failed runs are left out of the pairs"."""
    return (": " if word == "undecided" else " ").join(filter(None, (word, why)))
