"""Twelve faults of a W&B server met by a real study: seconds lost, runs trained, rows there after `wandb sync`.

`python -m tests.wandb_faults` prints the table in docs/wandb.md; names of faults as arguments choose some of them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.wandb_server import WandbServer

ROOT = Path(__file__).resolve().parents[1]
EPOCHS, RUNS = 6, 2
STUDY = [
    "scripts/run_ablation.py", "resnet_preact", "--variants", "original", "full_preact", "--seeds", "1", "--depth", "8",
    "--epochs", str(EPOCHS), "--jobs", "1", "--wandb", "online",
]  # fmt: skip
SENT_EVERY_S = "0.3"  # rows leave while the run still trains, as they do in runs of hours
AWAY_S = 60.0
LIMIT_S = 400
Moment = Callable[[str, bytes], bool]  # of a request's path and body


@dataclass(frozen=True)
class Result:
    """What became of a study.

    waited: seconds, see `timed`. lines: what it said of W&B. sent, after: rows on the server when it ended, and
    after the command. doubled: rows of an epoch that the server has more than once.
    """

    status: int
    waited: float
    trained: int
    lines: tuple[str, ...]
    command: str | None
    sent: int
    after: int
    doubled: int


def absent(server: WandbServer) -> None:
    server.stop()


def always(fault: str) -> Callable[[WandbServer], None]:
    def start(server: WandbServer) -> None:
        server.fault = fault

    return start


def wrong_key(server: WandbServer) -> None:
    server.key = "f" * 40


def wrong_address(server: WandbServer) -> None:
    server.fault = "elsewhere"


def when(moments: Callable[[], Moment], action: Callable[[WandbServer], None]) -> Callable[[WandbServer], None]:
    """`action` at the first request for which a moment holds, before it is answered."""

    def start(server: WandbServer) -> None:
        moment = moments()

        def watch(path: str, body: bytes) -> None:
            if moment(path, body):
                server.watch = lambda path, body: None
                action(server)

        server.watch = watch

    return start


def after_the_check() -> Moment:
    """The first request of a run: the check before the study has been answered."""
    return lambda path, body: path == "/graphql" and b"viewer { entity }" not in body


def second_history() -> Moment:
    """The second batch of rows: some are on the server, more are to come."""
    seen: list[bytes] = []

    def moment(path: str, body: bytes) -> bool:
        if path.endswith("file_stream") and "wandb-history.jsonl" in (json.loads(body).get("files") or {}):
            seen.append(body)
        return len(seen) == 2

    return moment


def at_the_end() -> Moment:
    return lambda path, body: path.endswith("file_stream") and json.loads(body).get("complete") is True


def gone(server: WandbServer) -> None:
    threading.Thread(target=server.stop).start()
    server.stopped.wait(5)


def away(server: WandbServer) -> None:
    gone(server)
    back = threading.Timer(AWAY_S, server.start)
    back.daemon = True
    back.start()


FAULTS: dict[str, Callable[[WandbServer], None]] = {
    "absent": absent,
    "slow by 3 s": always("slow"),
    "silent": always("silent"),
    "500": always("error"),
    "401": wrong_key,
    "gone before the first run": when(after_the_check, gone),
    "gone in the middle": when(second_history, gone),
    "gone at the end": when(at_the_end, gone),
    "back after a minute": when(second_history, away),
    "full disk": always("full"),
    "wrong base URL": wrong_address,
    "key expires in the middle": when(second_history, wrong_key),
}


def meet(fault: Callable[[WandbServer], None] | None, out: Path) -> Result:
    """A study of two runs against a server with this fault; then the fault is mended and the offered command run."""
    server = WandbServer()
    home = out.parent / "home"
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    environment = kept | server.environment | {
        "HOME": str(home), "NETRC": str(home / "netrc"), "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": SENT_EVERY_S,
    }  # fmt: skip
    if fault:
        fault(server)
    call = [sys.executable, *STUDY, "--out", str(out / "runs")]
    try:
        done, waited = timed(call, environment)
        sent = len(distinct(server))
        server.watch, server.fault, server.key = lambda path, body: None, None, WandbServer.KEY
        server.start()
        said = (done.stdout + done.stderr).splitlines()
        offered = next((line.partition("still to be sent: ")[2] for line in said if "still to be sent: " in line), None)
        if offered:
            subprocess.run(
                shlex.split(offered), cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120
            )
        rows = [(run, epoch) for run, epochs in server.epochs("resnet_preact").items() for epoch in epochs]
        return Result(
            done.returncode, waited, len(re.findall(r"(?m)^\[\d+/\d+\] .* finished", done.stdout)),
            tuple(line for line in said if "W&B" in line or "logged offline" in line or "to be sent" in line),
            offered, sent, len(set(rows)), len(rows) - len(set(rows)),
        )  # fmt: skip
    finally:
        server.stop()


def timed(call: list[str], environment: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], float]:
    """The ended command, and for how many seconds its main thread waited: neither on a processor nor queued for one.

    So other work on the machine does not count. Linux alone tells it; elsewhere all seconds count.
    """
    started, busy = time.monotonic(), 0.0
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    ended = threading.Event()

    def watch() -> None:
        nonlocal busy
        while not ended.wait(0.1):
            with suppress(OSError, ValueError):
                running, queued, _ = Path(f"/proc/{process.pid}/schedstat").read_text().split()
                busy = max(busy, (int(running) + int(queued)) / 1e9)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        ended.set()
        watcher.join()
    return subprocess.CompletedProcess(call, process.returncode, out, err), time.monotonic() - started - busy


def distinct(server: WandbServer) -> set[tuple[str, int]]:
    return {(run, epoch) for run, epochs in server.epochs("resnet_preact").items() for epoch in epochs}


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        well = meet(None, Path(folder, "well")).waited
        print("| fault | seconds waited | runs trained | rows sent, then after `wandb sync` | doubled |")
        print("|---|---:|---:|---:|---:|")
        for at, name in enumerate(names or FAULTS):
            found = meet(FAULTS[name], Path(folder, str(at)))
            rows = f"{found.sent}, {found.after} of {RUNS * EPOCHS}"
            lost = f"{found.waited - well:+.0f}"
            print(f"| {name} | {lost} | {found.trained} of {RUNS} | {rows} | {found.doubled} |", flush=True)
            for line in found.lines:
                print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
