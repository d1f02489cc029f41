"""The log reader on drawn input: no crash, no hang, bounded memory. Quick: 260 inputs; slow: 3,500."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from analysis import logs, write
from analysis.logs import wandb_file
from analysis.results.findings import Findings
from analysis.study import TableError
from tests.analysis.logs.records import CONFIG, VARIANTS, log, raw, rows_of, study

KEYS = ["epoch", "test/error", "train/error", "seed", "outcome", "net", "ablation", "a.b", "_step", "time/train_s", ""]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=8),
    st.sampled_from([raw("1e999"), raw('"\\udfff"'), raw("[" * 999 + "]" * 999), raw("{"), raw("1,2"), raw("-0")]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), VALUES, max_size=6)
DECLARED = st.dictionaries(st.sampled_from(sorted(CONFIG["ablation"])), VALUES, max_size=3)


def plain(value: Any) -> Any:
    """Without the texts that stand for raw JSON: they are for the top level alone."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.removeprefix("\0raw:") if isinstance(value, str) else value


def top(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else plain(value) for key, value in table.items()}


LOGS = st.builds(
    lambda config, declared, rows, summary, exit_code, group, job: log(
        "odd",
        {**CONFIG, "seed": 7, **top(config), "ablation": CONFIG["ablation"] | plain(declared)},
        [*rows_of(9.0), *map(top, rows)],
        top(summary),
        exit_code,
        started=99,
        project="resnet_preact",
        run_group=group,
        job_type=job,
    ),
    TABLES, DECLARED, st.lists(TABLES, max_size=3), TABLES, st.sampled_from([0, 1, None]),
    st.sampled_from([*VARIANTS, "", "x" * 300, "\x1b[2J"]), st.sampled_from(["smoke", "", "../up", "/abs"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("fuzz"))


def analyse(folder: Path, data: bytes) -> None:
    """Everything but the figures; a study that cannot be shown is refused in one line."""
    (folder / "run-odd.wandb").write_bytes(data)
    try:
        runs, history = logs.load(folder, profile="smoke", ablation="resnet_preact")
        write.show(Console(file=io.StringIO()), Findings.from_frames(runs, history))
    except (TableError, logs.LogsError) as error:
        if "\n" in str(error):
            raise AssertionError(str(error)) from error


def check_values(folder: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(LOGS)
    def check(data: bytes) -> None:
        analyse(folder, data)

    check()


def check_bytes(examples: int) -> None:
    """Bytes of a log that are cut, flipped or inserted anywhere."""
    whole = log("r", CONFIG, rows_of(9.0, 40), {"test/error": 9.0})
    places = st.integers(0, len(whole) - 1)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(places, st.binary(max_size=9), st.sampled_from(["set", "insert", "cut"])), max_size=4))
    def check(changes: list[tuple[int, bytes, str]]) -> None:
        data = bytearray(whole)
        for place, new, kind in changes:
            if kind == "cut":
                del data[place : place + 40]
            else:
                data[place : place + (len(new) if kind == "set" else 0)] = new
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "run-r.wandb")
            path.write_bytes(data)
            fragment = wandb_file.read(path)
        assert fragment.damage or len(fragment.epochs["epoch"]) <= 41

    check()


def test_drawn_values(sound: Path) -> None:
    check_values(sound, 60)


def test_drawn_bytes() -> None:
    check_bytes(200)


MEMORY = """
import resource, sys, tempfile
from pathlib import Path
from tests.analysis.logs.records import study
from tests.analysis.logs.test_fuzz import check_bytes, check_values
with tempfile.TemporaryDirectory() as folder:
    check_values(study(Path(folder)), 500)
check_bytes(3000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MOST_MIB = 700


@pytest.mark.slow
def test_3500_inputs_within_a_stated_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) / 1024 < MOST_MIB


def test_a_large_record_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    big = raw(json.dumps("x" * (wandb_file.MOST_BYTES + 10)))
    path = tmp_path / "run-big.wandb"
    path.write_bytes(log("big", {"seed": 1}, [{"epoch": 1, "note": big}, {"epoch": 2, "test/error": 5.0}], {}))
    fragment = wandb_file.read(path)
    assert any("more than 64 MiB" in line for line in fragment.damage)
    assert fragment.history["epoch"].tolist() == [2]
