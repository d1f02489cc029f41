"""A folder of logs damaged at 200 random places: no error, each damage named by file and byte, the rest unchanged."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import logs
from analysis.results.findings import Findings
from benchmarks.analysis_replicate import Template

VARIANTS = ("original", "bn_after_add")
PLACES = 200
SOUND = 3  # seeds of each variant whose files stay as they are
EPOCHS, BLOCK = 100, 32768
DECLARED = {
    "name": "resnet_preact",
    "question": "Which order?",
    "factors": ["net.order"],
    "baseline": VARIANTS[0],
    "variants": list(VARIANTS),
    "labels": list(VARIANTS),
    "published": "he2016_table2",
    "paper_net": "resnet110",
    "failure_error": 20.0,
}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory, write_run: Callable[..., Path]) -> list[Template]:
    """A run of each variant, by W&B's client; a log spans three blocks."""
    made = []
    for variant in VARIANTS:
        rows = [
            {"epoch": epoch, **{f"signal/activation/{unit:02}": 0.5 + unit / epoch for unit in range(6)}}
            | {"train/loss": 1 / epoch, "test/error": 6.5 + 50 / epoch}
            for epoch in range(1, EPOCHS + 1)
        ]
        config = {"seed": 0, "variant": variant, "net": {"name": "resnet110", "order": variant}, "ablation": DECLARED}
        folder = tmp_path_factory.mktemp("template")
        described = {"project": "resnet_preact", "group": variant, "job_type": "paper", "name": f"{variant}-s0"}
        path = write_run(folder, variant, rows, config, {**rows[-1], "outcome": "finished"}, **described)
        assert path.stat().st_size > 2 * BLOCK
        made.append(Template(path))
    return made


def written(folder: Path, templates: list[Template], seeds: range) -> list[Path]:
    return [template.write(folder, seed) for seed in seeds for template in templates]


def flip(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """`data` with one bit turned over, and in which byte."""
    byte = rng.randrange(len(data))
    return data[:byte] + bytes([data[byte] ^ 1 << rng.randrange(8)]) + data[byte + 1 :], byte


def cut(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """`data` up to a random byte."""
    byte = rng.randrange(len(data))
    return data[:byte], byte


def is_padding(run: Any, byte: int) -> bool:
    """A block ends with up to 6 bytes that mean nothing."""
    return byte % BLOCK > BLOCK - 7 and run.epochs == EPOCHS and run.outcome == "finished"


def is_still_written(run: Any, byte: int) -> bool:
    """A log cut between two records is that of a run that goes on."""
    return run.outcome == "unfinished"


@pytest.mark.parametrize(("damage", "may_be_silent"), [(flip, is_padding), (cut, is_still_written)])
def test_200_damaged_logs_among_sound_ones(
    tmp_path: Path,
    templates: list[Template],
    damage: Callable[[bytes, random.Random], tuple[bytes, int]],
    may_be_silent: Callable[[Any, int], bool],
) -> None:
    sound = set(map(str, written(tmp_path, templates, range(SOUND))))
    expected = dict(zip(("runs", "history"), logs.load(tmp_path), strict=True))
    rng, at = random.Random(damage.__name__), {}
    for path in written(tmp_path, templates, range(SOUND, SOUND + PLACES // len(VARIANTS))):
        data, at[str(path)] = damage(path.read_bytes(), rng)
        path.write_bytes(data)

    runs, history = logs.load(tmp_path)

    assert set(runs["source"]) == sound | set(at)
    kept = runs[runs["source"].isin(sound)]
    found = {"runs": kept, "history": history[history["run_id"].isin(kept["run_id"])]}
    for name, frame in expected.items():
        again = found[name].reset_index(drop=True)[list(frame)]
        pd.testing.assert_frame_equal(again, frame, check_dtype=False)  # a seed beside a lost one is a float
    silent = 0
    for run in runs[runs["source"].isin(at)].itertuples():
        byte = at[run.source]
        assert all(line.startswith(f"{run.source}: ") for line in run.damage)
        if run.damage:
            named = re.search(r"byte (\d+)|(\d+) bytes", run.damage[0].removeprefix(run.source))
            assert byte - BLOCK < int(named[1] or named[2]) <= byte, run.damage
        else:
            assert may_be_silent(run, byte), (run.source, byte)
            silent += 1
    assert silent < PLACES // 20

    findings = Findings.from_frames(runs)
    assert VARIANTS[1] in [line.label for line in findings.verdict.lines]
    problems = "\n".join(findings.problems)
    for run in runs.itertuples():
        assert all(line in problems for line in run.damage)


def test_what_a_damaged_log_still_says_counts(tmp_path: Path, templates: list[Template]) -> None:
    """Rows are lost, the summary is not: the table stays as it was, and what the file lost is said beside it."""
    paths = written(tmp_path, templates, range(4))
    whole = Findings.from_frames(logs.load(tmp_path)[0]).variants
    data = bytearray(paths[-1].read_bytes())
    data[BLOCK + 100] ^= 1
    paths[-1].write_bytes(data)
    runs, _ = logs.load(tmp_path)
    (line,) = [problem for problem in Findings.from_frames(runs).problems if "bad record" in problem]
    assert f"{paths[-1]}: bad record at byte " in line
    pd.testing.assert_frame_equal(Findings.from_frames(runs).variants, whole)
