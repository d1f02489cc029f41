"""An engine that cannot be used is refused in one line that says what would be right."""

import shutil
import socket

import pytest

from experiments.execution.executors import choose, ray_core, slurm
from experiments.execution.executors.options import Engine
from experiments.spec import SpecError


@pytest.mark.parametrize(("executor", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_a_missing_package_is_named_with_its_command(executor, package, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else object())
    with pytest.raises(SpecError, match=rf"pip install -e '\.\[{executor}\]'"):
        choose.check(Engine(executor=executor, time="90" if executor == "slurm" else None))


def test_a_machine_without_slurm(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "sbatch" else f"/usr/bin/{name}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(SpecError, match="no sbatch"):
        slurm.check()


def test_an_address_where_nothing_answers(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        ray_core.check(Engine(executor="ray", address=address))
    with pytest.raises(SpecError, match=f"no Ray cluster answers at {address}"):
        ray_core.check(Engine(executor="ray", address=address))


def test_the_device_of_another_machine_is_not_asked_for_here():
    assert choose.device_for(Engine(executor="slurm", gpus=1.0, time="90"), None) == "cuda"
    assert choose.device_for(Engine(executor="ray"), None) == "cpu"
    assert choose.device_for(Engine(executor="ray", gpus=0.5), "cpu") == "cpu"


def test_torchrun_and_an_engine_exclude_each_other(monkeypatch):
    for key in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(key, "2")
    with pytest.raises(SpecError, match="leave torchrun out"):
        choose.check(Engine(executor="ray"))
