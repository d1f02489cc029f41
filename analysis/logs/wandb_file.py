"""W&B's transaction log, the `run-<id>.wandb` file of an offline run, read without a server.

The file is a LevelDB log: blocks of 32,768 bytes, the first of which begins with a 7-byte file header. A chunk is
uint32 CRC, uint16 length, uint8 type (little endian), payload; it never crosses a block. A payload, put together
from a first, middle and last chunk where one does not hold it, is one protobuf `Record`. Unlike LevelDB's, the CRC
is the plain CRC-32 over type and payload.
"""

from __future__ import annotations

import errno
import json
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.logs.columns import columns, shown
from analysis.logs.fragment import MOST_KEYS, Fragment, leaves

FILE_HEADER = b":W&B\xe1\xbe\x00"
BLOCK_BYTES = 32768
CHUNK_HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
NESTED = frozenset("{[\\")  # in a value that needs more than one look
MOST_SECONDS = 2**33  # since 1970: the year 2242
MOST_BYTES = 2**26  # of one record
CRC_OF_TYPE = {kind: zlib.crc32(bytes([kind])) for kind in (FULL, FIRST, MIDDLE, LAST)}


def payloads(data: bytes, damage: list[str]) -> Iterator[tuple[int, bytes]]:
    """Every whole record with the byte at which it starts.

    After a bad chunk, reading goes on at the next block, as W&B's own reader does: the length that would lead to
    the next chunk cannot be trusted. What is wrong is appended to `damage`.
    """
    if not data.startswith(FILE_HEADER):
        damage.append("bad file header at byte 0" if data else "empty file, 0 bytes")
    position, start, size, parts = len(FILE_HEADER), 0, 0, []
    while position < len(data):
        room = BLOCK_BYTES - position % BLOCK_BYTES
        if room < CHUNK_HEADER.size:  # zero padding
            position += room
            continue
        if position + CHUNK_HEADER.size > len(data):
            break
        crc, length, kind = CHUNK_HEADER.unpack_from(data, position)
        body = position + CHUNK_HEADER.size
        fits = kind in CRC_OF_TYPE and CHUNK_HEADER.size + length <= room
        if fits and body + length > len(data):
            break
        chunk = data[body : body + length]
        if not fits or zlib.crc32(chunk, CRC_OF_TYPE[kind]) != crc:
            damage.append(f"bad record at byte {position}, the rest of its 32 KiB block is lost")
            position, parts = position + room, []
            continue
        if kind in (FULL, FIRST):
            size = 0
            if parts:
                damage.append(f"record at byte {start} has no end")
            start, parts = position, [chunk]
        elif parts:  # else its head lay in a bad block, which is reported already
            parts.append(chunk)
        size += length
        if size > MOST_BYTES and parts:
            damage.append(f"record at byte {start} has more than {MOST_BYTES >> 20} MiB, it is not read")
            parts = []
        if kind in (FULL, LAST) and parts:
            yield start, b"".join(parts)
            parts = []
        position = body + length
    if parts or position < len(data):
        at = start if parts else position
        damage.append(f"ends inside the record at byte {at} of {len(data)}: still being written, or cut off")


def read(path: Path, step: str = "epoch") -> Fragment:
    """The fragment in one file. Never raises for what the file holds: `damage` names the file and the byte.

    step: the logged key that is taken as the epoch.
    """
    damage: list[str] = []
    fragment = Fragment(run_id=path.stem.removeprefix("run-"), source=str(path), described=False)
    try:
        data = _content(path)
    except OSError as error:
        damage.append(f"cannot be read: {error.strerror}")
    else:
        _fill(fragment, data, damage, step)
    fragment.damage = [f"{path}: {what}" for what in damage]
    return fragment


def _content(path: Path) -> bytes:
    """Raises OSError for a pipe or a device, which could be read for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return path.read_bytes()


def _fill(fragment: Fragment, data: bytes, damage: list[str], step: str) -> None:
    from google.protobuf.message import DecodeError
    from wandb.proto.wandb_internal_pb2 import Record  # ty: ignore[missing-module-member]  # 0.3 s; from a descriptor

    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for byte, payload in payloads(data, damage):
        try:
            record = Record.FromString(payload)
            match record.WhichOneof("record_type"):
                case "history":
                    rows.append(_row(record.history))
                case "summary":
                    _update(summary, record.summary, damage)
                case "config":
                    _update(config, record.config, damage)
                case "run":
                    _describe(fragment, record.run)
                    _update(config, record.run.config, damage)
                    _update(summary, record.run.summary, damage)
                case "exit":
                    fragment.exit_code = record.exit.exit_code
        except (DecodeError, ValueError, OverflowError, RecursionError):
            damage.append(f"record at byte {byte} is not one that wandb writes")
    if not fragment.described:
        damage.append(f"no run record in {len(data)} bytes, the run id is taken from the file name")
    if fragment.started is None:
        fragment.started = next(filter(None, (_time(row.get("_timestamp")) for row in rows)), None)
    fragment.config, fragment.summary = _decoded(config, damage), _decoded(summary, damage)
    fragment.epochs = columns(rows, step, damage)


def _time(seconds: Any) -> pd.Timestamp | None:
    """None for what is no time since 1970 that a clock could show."""
    if isinstance(seconds, int | float) and 0 <= seconds < MOST_SECONDS:
        return pd.to_datetime(seconds, unit="s", utc=True)
    return None


def _describe(fragment: Fragment, run: Any) -> None:
    """Take over a run record; wandb writes it again when the name or the tags change."""
    fragment.described = True
    fragment.run_id = run.run_id or fragment.run_id
    fragment.project, fragment.group, fragment.job_type = run.project, run.run_group, run.job_type
    fragment.name, fragment.tags = run.display_name, list(run.tags)
    if run.HasField("start_time") and 0 <= run.start_time.seconds < MOST_SECONDS:
        fragment.started = pd.to_datetime(run.start_time.ToNanoseconds(), utc=True)


def _update(values: dict[str, Any], change: Any, damage: list[str]) -> None:
    """Apply a config or summary record: mappings merge leaf by leaf, as they do on a server.

    A summary that follows from the history comes with every row, as leaves under `nested_key`; these stay encoded,
    as most are soon replaced.
    """
    for item in change.update:
        path = item.nested_key
        if len(path) == 1:  # nearly all: no call for each of them
            values[path[0]] = item
        elif key := item.key:
            if not key.startswith("_"):
                try:
                    values.update(leaves(key, _value(item)))
                except (ValueError, RecursionError) as error:
                    damage.append(f"the value of {shown(key)} is not JSON that can be read: {error}")
        else:
            values[_key(item)] = item
    for item in change.remove:
        gone = _key(item)
        for key in [key for key in values if key == gone or key.startswith(f"{gone}.")]:
            del values[key]


def _decoded(values: dict[str, Any], damage: list[str]) -> dict[str, Any]:
    from google.protobuf.message import Message

    out: dict[str, Any] = {}
    for key, value in values.items():
        if key.startswith("_"):
            continue
        if len(out) >= MOST_KEYS:
            damage.append(f"{len(values)} keys in the config or summary, only {MOST_KEYS} are kept")
            break
        try:
            out.update(leaves(key, _value(value)) if isinstance(value, Message) else {key: value})
        except (ValueError, RecursionError) as error:
            damage.append(f"the value of {shown(key)} in the summary is not JSON that can be read: {error}")
    return out


def _row(history: Any) -> dict[str, Any]:
    items = history.item
    if len(items) > MOST_KEYS:
        raise ValueError(f"{len(items)} keys in one row")
    texts = [item.value_json for item in items]
    keys = [path[0] for item in items if len(path := item.nested_key) == 1]
    text = ",".join(texts)
    if (
        len(keys) == len(texts)
        and all(texts)
        and "-0" not in texts
        and "{" not in text
        and "[" not in text
        and "\\" not in text
    ):
        # One parse for the row takes half the time of one for each value.
        row = dict(zip(keys, json.loads(f"[{text}]"), strict=True))
    else:
        row = {key: leaf for item in items for key, leaf in leaves(_key(item), _value(item))}
    if history.HasField("step"):
        row.setdefault("_step", history.step.num)
    return row


def _key(item: Any) -> str:
    return ".".join(item.nested_key) or item.key


def _value(item: Any) -> Any:
    text = item.value_json
    if text:
        return -0.0 if text == "-0" else json.loads(text)  # wandb writes whole floats as integers
    oneofs = item.DESCRIPTOR.oneofs_by_name
    kind = item.WhichOneof("value") if "value" in oneofs else None
    if kind is None or kind == "none":
        return None
    return json.loads(item.json) if kind == "json" else getattr(item, kind)
