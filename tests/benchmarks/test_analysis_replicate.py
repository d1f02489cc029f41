"""Logs that are written again: W&B's own reader takes them, and they say what they should."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis import logs
from analysis.logs.wandb_file import payloads
from benchmarks.analysis_replicate import Template, log_bytes

BLOCK = 32768


def test_a_file_of_wandbs_comes_back_byte_by_byte(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    rows = [{"epoch": epoch, "text": "x" * (epoch * 517)} for epoch in range(40)]
    data = write_run(tmp_path, "long", rows, project="p").read_bytes()
    assert len(data) > 10 * BLOCK
    assert log_bytes([payload for _, payload in payloads(data, [])]) == data


@pytest.mark.parametrize("left", range(20))
def test_records_around_the_end_of_a_block(left: int) -> None:
    """The second record begins `left` bytes ahead of the block's end, where 7 are a chunk's header."""
    records = [b"a" * (BLOCK - 14 - left), random.Random(left).randbytes(3 * BLOCK), b"", b"z"]
    damage: list[str] = []
    assert [record for _, record in payloads(log_bytes(records), damage)] == records
    assert damage == []


def test_another_seed_of_the_same_variant(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    rows = [{"epoch": epoch, "optim/lr": 0.1, "test/error": 10.0, "train/loss": 0.5} for epoch in range(1, 4)]
    config = {"seed": 0, "net": {"name": "resnet20"}}
    described = {"project": "resnet_preact", "group": "original", "job_type": "paper", "name": "original-s0"}
    source = write_run(tmp_path / "one", "one", rows, config, {**rows[-1], "outcome": "finished"}, **described)
    template = Template(source)
    paths = [template.write(tmp_path / "many", seed) for seed in (3, 4)]

    runs, history = logs.load(tmp_path / "many")
    assert runs["seed"].tolist() == [3, 4]
    assert runs["name"].tolist() == ["original-s3", "original-s4"]
    assert runs["run_id"].nunique() == 2
    assert set(runs["config.net.name"]) == {"resnet20"}
    assert set(runs["outcome"]) == {"finished"}
    assert not runs["damage"].map(len).any()
    assert set(history["optim/lr"]) == {0.1}
    assert history["test/error"].between(9.5, 10.5).all()
    assert runs["summary.test/error"].between(9.5, 10.5).all()
    assert runs["summary.test/error"].nunique() == 2

    inspect = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(paths[0])]
    records = [json.loads(line) for line in subprocess.check_output(inspect, text=True).splitlines()]
    theirs = [record["history"]["item"]["test/error"] for record in records if record["type"] == "history"]
    assert theirs == history.loc[history["seed"] == 3, "test/error"].tolist()
