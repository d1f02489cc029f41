"""Tables set by the real pdflatex."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

STYLES = ("booktabs.sty", "siunitx.sty", "tabularx.sty")


def has(*files: str) -> bool:
    """Whether TeX is here with these files."""
    found = shutil.which("kpsewhich") and subprocess.run(["kpsewhich", *files], capture_output=True, text=True).stdout
    return shutil.which("pdflatex") is not None and len((found or "").split()) == len(files)


needs_tex = pytest.mark.skipif(not has(*STYLES), reason="no TeX with booktabs, siunitx and tabularx here")


def compiled(folder: Path, document_class: str, tables: Iterable[str]) -> str:
    """The log of a page that inputs the tables."""
    inputs = "\n".join(rf"\input{{{table}}}\clearpage" for table in tables)
    page = document_class + r"\usepackage{booktabs, siunitx, tabularx}\begin{document}" + inputs + r"\end{document}"
    (folder / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-recorder", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "page.log").read_text(encoding="utf-8", errors="replace")
