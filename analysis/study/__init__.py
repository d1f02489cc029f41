"""One study, built once from the two frames: its declaration, the runs that count, their errors, what is missing."""

from analysis.study.declaration import Declaration, TableError
from analysis.study.study import Study

__all__ = ["Declaration", "Study", "TableError"]
