"""Text from logs made safe for where it is shown: it may come from a stranger.

Names, labels and questions are printed as they are unless they hold something that the target would act on.
"""

from __future__ import annotations

import re

from analysis.study.values import printable

LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "_": r"\_",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{REPLACEMENT CHARACTER}": "?",
    "±": r"$\pm$",
    "×": r"$\times$",
}
SYMBOL = re.compile(r"\b([A-Za-z])\\_([A-Za-z0-9])\b")  # b_g, escaped
# How a spreadsheet recognises a formula that can call or fetch something; "+ label smoothing" is none.
FORMULA = re.compile(r"\s*([=@]|[+-].*[(|!=])")


def markdown(text: str) -> str:
    """A cell or a line of Markdown: no column separator, HTML tag or link of its own."""
    escaped = printable(text).replace("|", r"\|")
    escaped = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", escaped)
    return escaped.replace("](", r"]\(")


def latex(text: str) -> str:
    r"""Text for LaTeX in which no character is a command, nor an argument of the `\\\\` that ends the row above."""
    escaped = "".join(LATEX.get(character, character) for character in printable(text))
    escaped = SYMBOL.sub(r"$\1_{\2}$", escaped)
    return f"{{}}{escaped}" if escaped.lstrip().startswith(("[", "*")) else escaped


def typographic(text: str) -> str:
    """A minus before a number and a cross in 7x7; anything else as it is."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", re.sub(r"(?<![\w.)])-(?=\d)", "\N{MINUS SIGN}", text))


def csv_cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe, which spreadsheets do not show."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if FORMULA.match(text) else text


def folder(text: str) -> str:
    """The name of one folder: letters, digits and _.=+- only, and neither hidden nor a way up."""
    return re.sub(r"[^\w.=+-]+", "_", text).strip("._")[:80] or "unnamed"
