"""Run the tests of data, planning and execution as on a system without fcntl, /proc and sched_getaffinity.

`python tests/portability`; further words go to pytest. Processes that the tests start lack them as well.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    "tests/portability/check_missing.py",
    "tests/experiments/data",
    "tests/experiments/planning",
    "tests/experiments/execution",
)

if __name__ == "__main__":
    folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    words = [sys.executable, "-m", "pytest", "-q", "-W", "ignore:only soft file lock", *TESTS, *sys.argv[1:]]
    sys.exit(subprocess.run(words, cwd=ROOT, env=environment).returncode)
