"""One thread per test process: `-n auto` runs one process per core."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # ahead of the first import of torch
