"""A stand-in for CUDA graphs in every run of a check, so that checks can be tested on a CPU."""

import pytest
import torch

from benchmarks.cuda.runs import Place
from experiments.training import session, step
from experiments.training.step import RecordedStep
from tests.experiments.recording import Operators


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    def make(*parts):
        return RecordedStep(*parts, recorder=Operators())

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for module in (step, session):
        monkeypatch.setattr(module, "make_step", make)
    yield Place("cpu", tmp_path)
    torch.set_num_threads(before)
