"""Bits flipped and ends cut at random places of a finished run: noticed and mended, never silently different."""

import random
from collections import Counter
from dataclasses import replace

import pytest
import torch

from analysis import logs
from experiments.execution.run import complete_run
from experiments.execution.wandb_files import fragments
from experiments.planning.job import Job
from experiments.training import checkpoint
from experiments.training.session import Control

PLACES = 100
KINDS = ("bit flip", "truncation")


@pytest.fixture
def job(tiny, one_thread, tmp_path):
    return Job("planted", "original", "smoke", tiny, {"parameters": 7}, tmp_path / "runs", None, "offline")


def damage(path, kind, draw):
    raw = bytearray(path.read_bytes())
    place = draw.randrange(len(raw))
    raw[place] ^= 1 << draw.randrange(8)
    path.write_bytes(raw if kind == "bit flip" else raw[:place])


def outcome(job):
    """What must not change: the logged history and summary, and the weights."""
    runs, history = logs.load(job.out)
    timeless = [name for name in history if not name.startswith("time/")]
    summary = [name for name in runs if name.startswith("summary.") and "time/" not in name]
    weights = torch.load(job.folder / checkpoint.NAME, weights_only=True)["net"]
    return history[timeless].to_dict("records"), runs[["outcome", *summary]].to_dict("records"), weights


def equal(a, b):
    return a[:2] == b[:2] and all(torch.equal(a[2][name], b[2][name]) for name in a[2])


def tried(job, path_of, places):
    """Damage the file again and again, and start the run each time; how often what happened, and told lines."""
    assert complete_run(job, lambda row: None) == "finished"
    expected, counts, draw = outcome(job), Counter(), random.Random(0)
    for k in range(places):
        told = []
        damage(path_of(), KINDS[k % 2], draw)
        result = complete_run(job, lambda row: None, Control(tell=told.append))
        noticed = "told" if told else "written again" if result == "finished" else "harmless"
        counts[f"{KINDS[k % 2]}: {noticed}"] += 1
        counts["different"] += not equal(outcome(job), expected)
        assert complete_run(job, lambda row: None) == "skipped"
    return counts


def check_checkpoints(job, places):
    counts = tried(job, lambda: job.folder / checkpoint.NAME, places)
    assert counts["different"] == 0
    assert counts["bit flip: told"] + counts["truncation: told"] == places
    return counts


def check_logs(job, places):
    counts = tried(job, lambda: fragments(job)[-1], places)
    assert counts["different"] == 0
    assert sum(counts.values()) == places
    assert counts["truncation: harmless"] == 0
    return counts


def test_a_few_places_of_a_checkpoint_and_of_a_log(job):
    check_checkpoints(job, 4)
    check_logs(replace(job, out=job.out.parent / "logs"), 4)


@pytest.mark.slow
@pytest.mark.parametrize("check", [check_checkpoints, check_logs])
def test_a_hundred_places(job, check, capsys):
    counts = check(job, PLACES)
    with capsys.disabled():
        print(f"\n{check.__name__}: {PLACES} tried, {dict(counts)}")
