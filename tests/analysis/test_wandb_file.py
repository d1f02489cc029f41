"""The reader of W&B's file against wandb itself: its client wrote the files, its inspector read them as well."""

from __future__ import annotations

import json
import math
import random
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from analysis import wandb_file
from analysis.fragment import Fragment, flatten

BLOCK = 32768
N_ROWS = 300
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


def marker(row: int) -> str:
    return f"<row {row:05}>"


def chunk(kind: int, payload: bytes) -> bytes:
    """One chunk of the log as wandb-core's Go source frames it."""
    return struct.pack("<IHB", zlib.crc32(bytes([kind]) + payload), len(payload), kind) + payload


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


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory, write_run: Callable[..., Path]) -> bytes:
    """300 rows over several blocks; the bytes of a row hold its marker, once in the summary and once in the history."""
    rows = [{"epoch": row, "square": row**2, "text": marker(row) + "x" * 200} for row in range(N_ROWS)]
    return write_run(tmp_path_factory.mktemp("long"), "long", rows, project="p").read_bytes()


def rows_outside(data: bytes, first_lost: int, first_good: int) -> set[int]:
    """Rows that lie wholly in bytes [0, first_lost) or [first_good, end), by the markers of their neighbours."""
    before = {row for row in range(N_ROWS - 1) if first_seen(data)[row + 1] < first_lost}
    after = {row for row in range(1, N_ROWS) if last_seen(data)[row - 1] >= first_good}
    return before | after


@lru_cache(maxsize=1)
def first_seen(data: bytes) -> list[int]:
    return [data.find(marker(row).encode()) for row in range(N_ROWS)]


@lru_cache(maxsize=1)
def last_seen(data: bytes) -> list[int]:
    return [data.rfind(marker(row).encode()) for row in range(N_ROWS)]


def chunks(data: bytes) -> list[tuple[int, int, bool]]:
    """(start, end, ends a record) of every chunk of an undamaged file, by the lengths alone."""
    found, at = [], len(b":W&B\xe1\xbe\x00")
    while at < len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
        _, length, kind = struct.unpack_from("<IHB", data, at)
        found.append((at, at + 7 + length, kind in (1, 4)))
        at += 7 + length
    return found


def read(path: Path, data: bytes) -> Fragment:
    path.write_bytes(data)
    return wandb_file.read(path)


def read_rows(fragment: Fragment) -> set[int]:
    """The epochs read; each row that is there must be right."""
    history = fragment.history
    if history.empty:
        return set()
    assert (history["square"] == history["epoch"] ** 2).all()
    assert (history["text"].str[:11] == history["epoch"].map(marker)).all()
    return set(history["epoch"])


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


def test_a_flipped_byte_costs_the_rest_of_its_block_at_most(tmp_path: Path, long_file: bytes) -> None:
    assert len(long_file) > 4 * BLOCK
    rng = random.Random(2)
    lost = 0
    in_chunks = [byte for start, end, _ in chunks(long_file) for byte in range(start, end)]  # not in the padding
    for byte in rng.sample(in_chunks, 25):
        data = bytearray(long_file)
        data[byte] ^= 1 << rng.randrange(8)
        path = tmp_path / "run-long.wandb"
        fragment = read(path, bytes(data))
        rows = read_rows(fragment)
        next_block = (byte // BLOCK + 1) * BLOCK
        assert rows >= rows_outside(long_file, byte, next_block), byte
        assert fragment.damage[0].startswith(f"{path}: "), byte
        named = int(re.search(r"byte (\d+)", fragment.damage[0].removeprefix(str(path)))[1])
        assert byte - BLOCK < named <= byte
        lost += N_ROWS - len(rows)
    assert lost > 0


def test_a_file_cut_anywhere_keeps_what_lies_before_the_cut(tmp_path: Path, long_file: bytes) -> None:
    path = tmp_path / "run-long.wandb"
    layout = chunks(long_file)
    clean = [end for _, end, ends_record in layout[3:-1] if ends_record]
    cuts = [1, 6, 8, 13, 14, BLOCK + 1, BLOCK + 6, 3 * BLOCK - 8, *clean[:: len(clean) // 5]]
    for cut in [*cuts, *random.Random(3).sample(range(len(long_file)), 20)]:
        fragment = read(path, long_file[:cut])
        rows = read_rows(fragment)
        begun = {row for row in range(N_ROWS) if first_seen(long_file)[row] < cut}
        assert rows_outside(long_file, cut, len(long_file) + 1) <= rows <= begun, cut
        assert fragment.exit_code is None, cut
        assert all(str(path) in line and "byte" in line for line in fragment.damage), cut
        last_chunk = max((chunk for chunk in layout if chunk[0] < cut), default=(0, cut + 1, False))
        assert bool(fragment.damage) == (cut < last_chunk[1] or not last_chunk[2]), cut


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty file"),
        (b"\x00" * 40_000, "bad file header at byte 0"),
        (random.Random(4).randbytes(100_000), "bad file header at byte 0"),
        (b":W&B\xe1\xbe\x00", "no run record in 7 bytes"),
    ],
    ids=["empty", "zeros", "noise", "header alone"],
)
def test_a_file_without_a_run_is_named(tmp_path: Path, data: bytes, complaint: str) -> None:
    path = tmp_path / "run-1a2b.wandb"
    fragment = read(path, data)
    assert fragment.run_id == "1a2b"
    assert fragment.exit_code is None
    assert fragment.history.empty
    assert fragment.damage[0].startswith(f"{path}: {complaint}")


def test_a_bad_file_header_costs_no_row(tmp_path: Path, long_file: bytes) -> None:
    fragment = read(tmp_path / "run-long.wandb", b"?" + long_file[1:])
    assert read_rows(fragment) == set(range(N_ROWS))
    assert len(fragment.damage) == 1


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run-gone.wandb"
    path.symlink_to(tmp_path / "nowhere")
    assert wandb_file.read(path).damage == [f"{path}: cannot be read: No such file or directory"]


def test_garbage_under_a_right_checksum(tmp_path: Path) -> None:
    item = pb.HistoryItem(nested_key=["epoch"], value_json="[")
    bad = [b"\xff" * 30, pb.Record(history=pb.HistoryRecord(item=[item])).SerializeToString()]
    good = [pb.HistoryItem(key="epoch", value_json="5"), pb.HistoryItem(key="test/error", value_json="6.4")]
    last = pb.Record(history=pb.HistoryRecord(item=good)).SerializeToString()
    data = wandb_file.FILE_HEADER + b"".join(chunk(1, payload) for payload in (*bad, last))
    fragment = read(tmp_path / "run-x.wandb", data)
    assert fragment.history.to_dict("records") == [{"epoch": 5, "test/error": 6.4}]
    assert [re.search(r"byte \d+", line)[0] for line in fragment.damage[:2]] == ["byte 7", "byte 44"]


def test_a_record_without_its_end(tmp_path: Path) -> None:
    row = pb.Record(history=pb.HistoryRecord(item=[pb.HistoryItem(key="epoch", value_json="2")])).SerializeToString()
    data = wandb_file.FILE_HEADER + chunk(2, b"begun") + chunk(1, row) + chunk(2, b"begun again")
    fragment = read(tmp_path / "run-x.wandb", data)
    assert list(fragment.history["epoch"]) == [2]
    assert "record at byte 7 has no end" in fragment.damage[0]
    assert f"inside the record at byte {len(data) - 18} of {len(data)}" in fragment.damage[1]


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
