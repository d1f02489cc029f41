"""Compiled runs: nearly the eager ones, repeatable, and exact across a resume."""

import itertools
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch._dynamo.testing import CompileCounter

import nets
from experiments.training import checkpoint
from experiments.training.precision import compiled
from experiments.training.train import train


def rows_of(spec, data, folder, stop_after=None):
    rows = []

    def log(row):
        rows.append(row)
        if len(rows) == stop_after:
            raise KeyboardInterrupt

    folder.mkdir(exist_ok=True)
    with suppress(KeyboardInterrupt):
        train(spec, data, folder, log)
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


def test_compiled_is_part_of_what_a_run_is(tiny):
    assert replace(tiny, compiled=True).run_id != tiny.run_id


def test_every_structure_is_compiled_however_many_a_process_trains(tiny, monkeypatch):
    """PyTorch keeps eight a process and runs the ninth eagerly: other bits, and which ones would hang on the others."""
    graphs = CompileCounter()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=graphs))
    shortcuts = ("identity", "scaled", "exclusive_gate", "shortcut_gate", "conv1x1")
    for order, shortcut in itertools.product(("original", "full_preact"), shortcuts):
        before = graphs.frame_count
        net = compiled(
            nets.build("resnet8", in_channels=1, order=order, shortcut=shortcut), replace(tiny, compiled=True)
        )
        for images in (2, 3):  # of any size, as for another run's batches
            net(torch.randn(images, 1, 8, 8))
        assert graphs.frame_count == before + 2


@pytest.mark.slow
def test_a_compiled_run_follows_the_eager_one_and_resumes_exactly(tiny, digits, tmp_path):
    torch.set_num_threads(1)
    spec = replace(tiny, compiled=True)
    eager, whole = rows_of(tiny, digits, tmp_path / "eager"), rows_of(spec, digits, tmp_path / "whole")
    assert eager[0]["train/loss"] == pytest.approx(whole[0]["train/loss"], rel=1e-4)
    assert eager[0] != whole[0]  # else nothing was compiled
    rows_of(spec, digits, tmp_path / "parts", stop_after=2)
    assert rows_of(spec, digits, tmp_path / "parts") == whole
    a, b = (checkpoint.load(tmp_path / name, spec.run_id)["net"] for name in ("whole", "parts"))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert a.keys() == checkpoint.load(tmp_path / "eager", tiny.run_id)["net"].keys()
