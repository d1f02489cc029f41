"""Logs written record by record, so that they can hold what no client would write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from benchmarks.analysis_replicate import log_bytes

VARIANTS = ("original", "full_preact")
CONFIG: dict[str, Any] = {
    "net": {"name": "resnet20"},
    "data": {"name": "digits"},
    "recipe": {"iterations": 100, "learning_rate": 0.1},
    "parameters": 272_474,
    "multiply_adds": 4_000_000,
    "threads": 1,
    "device": "cpu",
    "env": {"python": "3.11.7"},
    "ablation": {
        "name": "resnet_preact",
        "question": "Where do BN and ReLU belong?",
        "kind": "one_factor",
        "factors": ["net.order"],
        "baseline": "original",
        "variants": list(VARIANTS),
        "labels": ["original", "full pre-activation"],
        "levels": [{"net.order": name} for name in VARIANTS],
        "steps": [None, None],
        "published": "he2016_table2",
        "paper_net": "resnet110",
        "failure_error": None,
        "target_train_error": 20.0,
        "fixed": ["the recipe"],
        "deviations": [{"what": "data", "paper": "CIFAR-10", "ours": "digits"}],
    },
}


def rows_of(error: float, epochs: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "train/loss": 0.5,
            "train/error": error + epochs - epoch,
            "test/error": error + epochs - epoch,
            "time/epoch_s": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def encoded(values: Mapping[str, Any]) -> dict[str, str]:
    """JSON texts; a text that begins with RAW is taken as it stands."""
    return {key: value[len(RAW) :] if _raw(value) else json.dumps(value) for key, value in values.items()}


RAW = "\0raw:"


def _raw(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(RAW)


def raw(text: str) -> str:
    return RAW + text


def log(
    run_id: str,
    config: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    summary: Mapping[str, Any],
    exit_code: int | None = 0,
    started: int = 0,
    **run: Any,
) -> bytes:
    """A .wandb file of these records."""
    record = pb.RunRecord(run_id=run_id, **run)
    record.start_time.seconds = 1_700_000_000 + started
    for key, text in encoded(config).items():
        record.config.update.add(key=key, value_json=text)
    records = [pb.Record(run=record)]
    for row in rows:
        history = pb.HistoryRecord()
        for key, text in encoded(row).items():
            history.item.add(nested_key=[key], value_json=text)
        records.append(pb.Record(history=history))
    change = pb.SummaryRecord()
    for key, text in encoded(summary).items():
        change.update.add(key=key, value_json=text)
    records.append(pb.Record(summary=change))
    if exit_code is not None:
        records.append(pb.Record(exit=pb.RunExitRecord(exit_code=exit_code)))
    return log_bytes([record.SerializeToString() for record in records])


def study(folder: Path, odd: Mapping[tuple[str, ...], Any] | None = None, seeds: int = 2) -> Path:
    """The logs of a study of two variants; `odd` is set in the last: ("config", "net", "name"), ("row", key), ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant in VARIANTS:
        for seed in range(seeds):
            config = json.loads(json.dumps(CONFIG)) | {"seed": seed}
            config["net"]["order"] = variant
            rows = rows_of(10.0 + seed + 2 * VARIANTS.index(variant))
            summary = {**rows[-1], "outcome": "finished", "time/train_s": 3.0}
            run = {"project": "resnet_preact", "run_group": variant, "job_type": "smoke"}
            run["display_name"] = f"{variant}-s{seed}"
            if (variant, seed) == (VARIANTS[-1], seeds - 1):
                for (part, *path), value in (odd or {}).items():
                    place: Any = {"config": config, "row": rows[-1], "summary": summary, "run": run}[part]
                    for key in path[:-1]:
                        place = place[key]
                    place[path[-1]] = value
            started = 10 * VARIANTS.index(variant) + seed  # the last one is the newest, whose declaration counts
            data = log(f"{variant}{seed}", config, rows, summary, started=started, **run)
            (folder / f"run-{variant}{seed}.wandb").write_bytes(data)
    return folder
