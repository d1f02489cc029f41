"""What the documents say, taken apart: code blocks, commands, links, flags, tables."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATHS = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("C*.md")),  # CHANGELOG, CONTRIBUTING
    ROOT / "SECURITY.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "results").glob("**/*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
    *sorted((ROOT / "examples").glob("*.py")),  # their first docstring
)
PROGRAMS = ("python", "python3", "pip", "pre-commit", "ruff", "ty", "git", "wandb", "torchrun", "sbatch")


@dataclass(frozen=True)
class Block:
    """A fenced code block, with the line it starts on."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command that a document tells the reader to type, in a bash block or between backticks."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line} {self.text}"

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def documents() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): _text(path) for path in PATHS if path.exists()}


def _text(path: Path) -> str:
    text = path.read_text()
    return (ast.get_docstring(ast.parse(text)) or "") if path.suffix == ".py" else text


def blocks() -> list[Block]:
    found = []
    for document, text in documents().items():
        for match in re.finditer(r"^```(\S*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(document, line, match[1], match[2]))
    return found


def prose(text: str) -> str:
    """The text without its code blocks; lines keep their numbers."""
    return re.sub(r"^```.*?^```", lambda match: "\n" * match[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[tuple[int, str]]:
    """Everything between backticks outside code blocks, also across a line break, with its line."""
    text = prose(text)
    return [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[1].split()))
        for match in re.finditer(r"`([^`]+)`", text)
    ]


def commands() -> list[Command]:
    """Every command, each once: a chain `a && b` is two, a comment is none."""
    found: dict[str, Command] = {}
    for block in blocks():
        if block.language == "bash":
            for number, line in enumerate(block.text.replace("\\\n", " ").splitlines(), 1):
                for part in line.partition(" #")[0].split(" && "):
                    if part.strip() and not part.startswith("#"):
                        found.setdefault(part.strip(), Command(block.document, block.line + number, part.strip()))
    for document, text in documents().items():
        for line, span in spans(text):
            if span.partition(" ")[0] in PROGRAMS and " " in span:
                found.setdefault(span, Command(document, line, span))
    return list(found.values())


def links() -> list[tuple[str, str]]:
    """(document, target) of every link and picture that stays inside the repository."""
    return [
        (document, match[1])
        for document, text in documents().items()
        for match in re.finditer(r"\]\(([^)\s]+)\)", prose(text))
        if not re.match(r"[a-z]+:", match[1])
    ]


def table(text: str, *headings: str) -> list[tuple[str, ...]]:
    """The rows of the Markdown table with these headings. Raises ValueError where there is none."""
    lines = iter(text.splitlines())
    for line in lines:
        if _cells(line) == headings:
            next(lines)
            rows = []
            for row in lines:
                if not row.startswith("|"):
                    break
                rows.append(_cells(row))
            return rows
    raise ValueError(f"no table with the headings {headings}")


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|")) if line.startswith("|") else ()
