"""Seconds and memory of one analysis, `python -m benchmarks.analysis_measure LOGS FOLDER`: prints one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def measure(logs_folder: Path, folder: Path) -> dict[str, float]:
    """Seconds of each part of `write.conclude`, the number of runs and epochs, and the peak memory in MiB.

    Call it in a fresh process: imports count as a part, and the peak covers the whole life of the process.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def part(name: str) -> Generator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    with part("import"):
        from analysis import logs, write
        from analysis.output import files, report
        from analysis.results.findings import Findings
    with part("load"):
        runs, history = logs.load(logs_folder)
    loaded_mib = peak_mib()
    with part("table"):
        findings = Findings.from_frames(runs, history)
        files.write_tables(findings, folder, "table")
    with part("figures"):
        drawn = write.draw(findings.study, folder)
    with part("report"):
        pictures = {name: next(path for path in paths if path.suffix == ".svg") for name, paths in drawn.items()}
        report.write(findings, pictures, folder)
    mib = {"loaded_mib": loaded_mib, "peak_mib": peak_mib()}
    return {"runs": len(runs), "epochs": len(history), **seconds, "total": sum(seconds.values()), **mib}


def peak_mib() -> float:
    """The largest resident size of this process so far, in MiB.

    Linux counts the parent's size at the fork into the child's `ru_maxrss`, but not into its VmHWM.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
