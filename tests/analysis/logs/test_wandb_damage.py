"""The reader of W&B's file on damaged files: what can be read is read, and every damage is named."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from analysis.logs import wandb_file
from analysis.logs.fragment import Fragment

BLOCK = 32768
N_ROWS = 300


def marker(row: int) -> str:
    return f"<row {row:05}>"


def chunk(kind: int, payload: bytes) -> bytes:
    """One chunk of the log as wandb-core's Go source frames it."""
    return struct.pack("<IHB", zlib.crc32(bytes([kind]) + payload), len(payload), kind) + payload


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
