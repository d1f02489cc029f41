"""Bits flipped and ends cut at random places of a finished run or of cached data: never silently different."""

import hashlib
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis import logs
from experiments.data.cache import ARRAY_NAMES, cache_file, obtain, write_cache
from experiments.data.formats import Arrays
from experiments.data.sources import from_sklearn
from experiments.datasets import DATASETS, DataError, Sums
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


def sums(arrays):
    return Sums(*(hashlib.sha256(getattr(arrays, name).tobytes()).hexdigest() for name in ARRAY_NAMES))


def digits():
    """Its sums are in the table of data sets; nearly all of the file is images."""
    info = DATASETS["digits"]
    return info, from_sklearn(info, "digits", Path(), Path()), info.sums


def twelve_images():
    """Its sums are in the file alone; nearly all of the file is the archive's own structure."""
    pixels, labels = np.arange(12 * 6, dtype=np.uint8).reshape(12, 1, 2, 3), np.arange(12, dtype=np.uint8)
    arrays = Arrays(pixels[:8], labels[:8], pixels[8:], labels[8:])
    info = replace(DATASETS["digits"], name="twelve", train_images=8, test_images=4, shape=(1, 2, 3), sums=None)
    return info, arrays, sums(arrays)


@pytest.mark.parametrize("data", [digits, twelve_images])
def test_a_hundred_places_of_cached_data(tmp_path, data):
    """Each is told in one line that names the file, or the four arrays are the right ones."""
    (info, arrays, right), counts, draw = data(), Counter(), random.Random(0)
    path, lines = cache_file(info.name, tmp_path), []
    write_cache(info, tmp_path, arrays)
    assert sums(obtain(info, tmp_path, download=False)) == right
    whole = path.read_bytes()
    for k in range(PLACES):
        path.write_bytes(whole)
        damage(path, KINDS[k % 2], draw)
        try:
            same = sums(obtain(info, tmp_path, download=False)) == right
            became = "harmless" if same else "silently wrong"
        except DataError as error:
            lines.append(str(error))
            became = "told"
        counts[f"{KINDS[k % 2]}: {became}"] += 1
    print(f"{PLACES} places of {path.name} ({len(whole):,} bytes) tried: {dict(counts)}")
    assert counts["truncation: told"] == PLACES / 2
    assert counts["bit flip: told"] + counts["bit flip: harmless"] == PLACES / 2
    assert [line for line in lines if not line.startswith(f"{path}: ") or len(line.splitlines()) > 1] == []
