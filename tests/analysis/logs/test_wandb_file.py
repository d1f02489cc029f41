"""The reader of W&B's file against wandb itself: its client wrote the files, its inspector read them as well."""

from __future__ import annotations

import json
import math
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from analysis.logs import wandb_file
from analysis.logs.fragment import Fragment, flatten

FLOATS = {
    "third": 1 / 3,
    "tiny": 5e-324,
    "huge": sys.float_info.max,
    "negative_zero": -0.0,
    "whole": 7.0,
    "nan": math.nan,
    "inf": math.inf,
    "minus_inf": -math.inf,
}
ABOVE_2_TO_53 = 2**62 + 1
OTHERS = {"flag": True, "text": 'Größe\n"☃" \U0001f600', "list": [1, [2.5, "x"]]}


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def chunk(kind: int, payload: bytes) -> bytes:
    """One chunk of the log as wandb-core's Go source frames it."""
    return struct.pack("<IHB", zlib.crc32(bytes([kind]) + payload), len(payload), kind) + payload


def read(path: Path, data: bytes) -> Fragment:
    path.write_bytes(data)
    return wandb_file.read(path)


@pytest.fixture(scope="module")
def values_file(tmp_path_factory: pytest.TempPathFactory, write_run: Callable[..., Path]) -> Path:
    rng = random.Random(0)
    rows = [
        {"epoch": 0, **FLOATS, **OTHERS, "nested": {"a": {"b": 0.1}, "c": [1]}},
        *({"epoch": epoch, "random": rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300)} for epoch in range(1, 60)),
    ]
    rows = [{**row, "large": ABOVE_2_TO_53 + row["epoch"]} for row in rows]
    config = {"seed": 4, "net": {"name": "resnet20", "order": None, "widths": [16, 32], "options": {}}, "é": "ü"}
    return write_run(
        tmp_path_factory.mktemp("values"),
        "values",
        rows,
        config,
        {"outcome": "finished", "best": {"epoch": 3, "error": 0.1}},
        project="resnet_preact",
        group="full_preact",
        job_type="quick",
        name="full_preact-s4",
        tags=["digits", "résnet"],
    )


def test_every_value_comes_back_bit_for_bit(values_file: Path) -> None:
    fragment = wandb_file.read(values_file)
    assert fragment.damage == []
    first = fragment.history.iloc[0]
    for key, value in FLOATS.items():
        assert bits(first[key]) == bits(value), key
        assert bits(fragment.summary[key]) == bits(value), key
    for key in ("flag", "text", "list"):
        assert first[key] == OTHERS[key]
    assert {key: fragment.summary[key] for key in OTHERS} == OTHERS
    assert list(fragment.history["large"]) == [ABOVE_2_TO_53 + epoch for epoch in range(60)]
    assert first["nested.a.b"] == 0.1
    assert first["nested.c"] == [1]
    rng = random.Random(0)
    written = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300) for _ in range(1, 60)]
    assert [bits(x) for x in fragment.history["random"][1:]] == [bits(x) for x in written]


def test_what_describes_the_run(values_file: Path) -> None:
    fragment = wandb_file.read(values_file)
    assert (fragment.run_id, fragment.project, fragment.group) == ("values", "resnet_preact", "full_preact")
    assert (fragment.job_type, fragment.name, fragment.exit_code) == ("quick", "full_preact-s4", 0)
    assert fragment.tags == ["digits", "résnet"]
    assert fragment.config == {
        "seed": 4,
        "net.name": "resnet20",
        "net.order": None,
        "net.widths": [16, 32],
        "net.options": {},
        "é": "ü",
    }
    assert fragment.summary["outcome"] == "finished"
    assert (fragment.summary["best.epoch"], fragment.summary["best.error"]) == (3, 0.1)
    assert not [key for key in (*fragment.config, *fragment.summary, *fragment.history) if key.startswith("_")]


def as_inspected(value: Any) -> Any:
    """The inspector writes numbers that JSON lacks as strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def inspect(path: Path, *flags: str) -> str:
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", *flags, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_agrees_with_wandbs_own_inspector(values_file: Path) -> None:
    fragment = wandb_file.read(values_file)
    records = [json.loads(line) for line in inspect(values_file).splitlines()]
    theirs = [record["history"]["item"] for record in records if record["type"] == "history"]
    theirs = [{key: value for key, value in row.items() if key[0] != "_"} for row in theirs]
    assert len(theirs) == 60
    ours = fragment.history.astype(object)
    for row, expected in zip(ours.to_dict("records"), theirs, strict=True):
        assert {key: as_inspected(row[key]) for key in expected} == expected

    whole = json.loads(inspect(values_file, "--summary"))
    assert whole["run_id"] == fragment.run_id
    assert whole["exit_code"] == fragment.exit_code
    assert fragment.started is not None
    assert fragment.started.isoformat()[:23] == whole["start_time"][:23]
    summary = flatten(whole["summary"])
    assert {key: as_inspected(value) for key, value in fragment.summary.items()} == summary


def test_records_that_span_blocks(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    rng = random.Random(1)
    texts = ["".join(rng.choices("abcdefgh", k=100_000)) for _ in range(3)]
    rows = [{"epoch": epoch, "text": text} for epoch, text in enumerate(texts[:2])]
    fragment = wandb_file.read(write_run(tmp_path, "wide", rows, {"long": texts[2]}, project="p"))
    assert fragment.damage == []
    assert list(fragment.history["text"]) == texts[:2]
    assert fragment.config["long"] == texts[2]
    assert fragment.summary["text"] == texts[1]


def test_typed_values_of_newer_clients(tmp_path: Path) -> None:
    typed = {"integer": 3, "number": 0.1, "text": "a", "boolean": False, "json": '{"b": [1]}', "none": None}
    items = [pb.HistoryItem(key="epoch", integer=1)]
    for kind, value in typed.items():
        item = pb.HistoryItem(key=kind)
        if value is None:
            item.none = 0
        else:
            setattr(item, kind, value)
        items.append(item)
    row = pb.Record(history=pb.HistoryRecord(item=items)).SerializeToString()
    fragment = read(tmp_path / "run-x.wandb", wandb_file.FILE_HEADER + chunk(1, row))
    (read_back,) = fragment.history.to_dict("records")
    expected = {"epoch": 1, "integer": 3, "number": 0.1, "text": "a", "boolean": False, "json.b": [1], "none": None}
    assert read_back == expected


def test_removed_and_merged_summary_keys(tmp_path: Path) -> None:
    def summary(update: dict[str, str], remove: tuple[str, ...] = ()) -> bytes:
        items = [pb.SummaryItem(key=key, value_json=text) for key, text in update.items()]
        gone = [pb.SummaryItem(key=key) for key in remove]
        return pb.Record(summary=pb.SummaryRecord(update=items, remove=gone)).SerializeToString()

    records = [
        summary({"best": '{"epoch": 1, "error": 9.0}', "gone": '{"a": 1}'}),
        summary({"best": '{"error": 8.0}'}, ("gone",)),
    ]
    data = wandb_file.FILE_HEADER + b"".join(chunk(1, record) for record in records)
    assert read(tmp_path / "run-x.wandb", data).summary == {"best.epoch": 1, "best.error": 8.0}
