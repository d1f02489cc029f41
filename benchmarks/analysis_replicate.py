"""Many runs from one: W&B's log of a run written again under other ids, seeds and values, record by record."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

from analysis.logs.wandb_file import (
    BLOCK_BYTES,
    CHUNK_HEADER,
    CRC_OF_TYPE,
    FILE_HEADER,
    FIRST,
    FULL,
    LAST,
    MIDDLE,
    payloads,
)

VARIED = ("train/", "test/", "time/", "signal/")  # these metrics get other values; the epoch and the rate stay


def log_bytes(records: list[bytes]) -> bytes:
    """The file that holds `records` in this order: the inverse of `wandb_file.payloads`."""
    out = bytearray(FILE_HEADER)
    for record in records:
        begun, rest = False, memoryview(record)
        while True:
            room = BLOCK_BYTES - len(out) % BLOCK_BYTES
            if room < CHUNK_HEADER.size:
                out += bytes(room)
                continue
            part, rest = rest[: room - CHUNK_HEADER.size], rest[room - CHUNK_HEADER.size :]
            kind = (MIDDLE if begun else FIRST) if rest else (LAST if begun else FULL)
            out += CHUNK_HEADER.pack(zlib.crc32(part, CRC_OF_TYPE[kind]), len(part), kind)
            out += part
            begun = True
            if not rest:
                break
    return bytes(out)


class Template:
    """A log whose records are decoded once; `write` gives one more run of the same variant."""

    def __init__(self, path: Path) -> None:
        from wandb.proto.wandb_internal_pb2 import Record  # ty: ignore[missing-module-member]  # made from a descriptor

        damage: list[str] = []
        self.records = [Record.FromString(payload) for _, payload in payloads(path.read_bytes(), damage)]
        if damage:
            raise ValueError(f"{path}: {damage[0]}")
        self.run = next(record.run for record in self.records if record.WhichOneof("record_type") == "run")
        self.started = self.run.start_time.seconds
        self.values = [(item, float(item.value_json)) for item in self._items() if _varied(item)]
        (self.seed,) = (item for item in self.run.config.update if item.key == "seed")

    def write(self, folder: Path, seed: int) -> Path:
        """A run of this variant under `seed`, each of its values times 0.95 to 1.05, drawn for (variant, seed)."""
        rng = random.Random(f"{self.run.run_group} {seed}")
        shape = [0.95 + 0.1 * rng.random() for _ in range(64)]
        for i, (item, value) in enumerate(self.values):
            item.value_json = repr(value * shape[i & 63])
        run_id = f"{rng.getrandbits(64):016x}"
        self.run.run_id, self.run.display_name = run_id, f"{self.run.run_group}-s{seed}"
        self.run.start_time.seconds = self.started + seed
        self.seed.value_json = str(seed)
        path = folder / self.run.run_group / f"seed{seed}" / f"run-{run_id}.wandb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log_bytes([record.SerializeToString() for record in self.records]))
        return path

    def _items(self) -> Any:
        for record in self.records:
            yield from record.history.item
            yield from record.summary.update


def _varied(item: Any) -> bool:
    key = item.nested_key[0] if item.nested_key else item.key
    return key.startswith(VARIED)
