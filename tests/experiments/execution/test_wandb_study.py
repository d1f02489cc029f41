"""A study and its server, with the unmodified client: logged online, sent later, sent again, none lost, none double."""

import dataclasses
import shlex
import subprocess

import pytest

from analysis import logs
from experiments.execution import wandb_study
from experiments.execution.run import complete_run
from experiments.execution.wandb_files import fragments, log_id, unsent
from experiments.planning.job import Destination, Job
from tests.wandb_server import API_KEY, WandbServer


@pytest.fixture
def server(monkeypatch, tmp_path):
    import wandb

    wandb.teardown()
    server = WandbServer()
    home = {"HOME": str(tmp_path / "home"), "NETRC": str(tmp_path / "netrc")}
    for name, value in (server.environment | home).items():
        monkeypatch.setenv(name, value)
    yield server
    wandb.teardown()
    server.stop()


@pytest.fixture
def job(tiny, tmp_path) -> Job:
    return Job("planted", "original", "smoke", tiny, {}, tmp_path / "runs", None, "online")


def run(job: Job) -> list[str]:
    """The study of one run from its check to its end: what was said."""
    said: list[str] = []
    (begun,) = wandb_study.begin([job], said.append)
    complete_run(begun, lambda row: None)
    wandb_study.end([job], said.append)
    return said


def epochs(server: WandbServer, project: str = "planted") -> dict[str, list[int]]:
    return server.epochs(project)


def test_online_then_again_sends_every_row_once(server, job):
    project = f"{server.url}/lab/planted"
    assert run(job) == [f"W&B project: {project}", f"original-s1: {project}/runs/{job.log_id}"]
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}
    run(job)
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}
    assert unsent([job]) == []
    online, offline = logs.load("lab/planted")[1], logs.load(job.out)[1]
    assert online.to_dict("records") == offline.to_dict("records")


def test_a_server_that_is_away_is_named_and_the_runs_are_sent_by_the_next_online_study(server, job):
    server.stop()
    said = run(job)
    assert said[0] == f"W&B: {server.url} cannot be reached (connection refused). Runs are logged offline."
    folder = job.study / "wandb"
    assert said[-1] == f"1 log still to be sent: {shlex.join(['wandb', 'sync', str(folder)])}"
    assert epochs(server) == {}
    server.start()
    assert any(line.startswith("sending 1 log to") for line in run(job))
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}
    run(job)
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}


def test_the_offered_command_sends_an_offline_study_once(server, job):
    offline = dataclasses.replace(job, wandb="offline")
    complete_run(offline, lambda row: None)
    command = ["wandb", *wandb_study.command([job], unsent([job]))]
    for _ in range(2):
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}


def test_a_resumed_run_is_sent_once(server, job):
    """Its last log repeats the rows of the first, which `wandb sync` then leaves out."""
    offline = dataclasses.replace(job, wandb="offline")

    class KilledError(Exception):
        pass

    def kill(row):
        if row["epoch"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        complete_run(offline, kill)
    complete_run(offline, lambda row: None)
    assert len(fragments(job)) == 2
    assert any(line.startswith("sending 1 log to") for line in run(job))
    assert epochs(server) == {job.log_id: [1, 2, 3, 4, 5]}


def test_two_ablations_in_one_project_share_no_id(server, job):
    shared = dataclasses.replace(job, destination=Destination("team", "shared"))
    other = dataclasses.replace(shared, ablation="another")
    assert job.log_id.startswith("original-s1-")
    assert log_id(shared) != log_id(other)
    for each in (shared, other):
        run(each)
    assert set(epochs(server, "shared")) == {log_id(shared), log_id(other)}
    assert {key[:2] for key in server.store.runs} == {("team", "shared")}


def test_a_run_of_an_older_version_stays_finished_and_keeps_its_id(server, job):
    """Its log lay in the run's own folder, under the id of the spec."""
    old = dataclasses.replace(job, wandb="offline")
    complete_run(old, lambda row: None)
    (log,) = fragments(old)
    place = old.folder / "wandb" / f"offline-run-20260101_000000-{old.spec.run_id}" / f"run-{old.spec.run_id}.wandb"
    place.parent.mkdir(parents=True)
    log.rename(place)
    assert log_id(old) == old.spec.run_id
    assert complete_run(old, lambda row: None) == "skipped"
    assert wandb_study.command([job], unsent([job])) == ["sync", str(place.parent)]


def test_artifacts_hold_the_final_checkpoint(server, job):
    kept = dataclasses.replace(job, destination=Destination(artifacts=True))
    run(kept)
    (artifact,) = server.store.artifacts.values()
    assert (artifact["type"], artifact["files"]) == ("checkpoint", ["checkpoint.pt"])
    sent = next(content for path, content in server.store.files.items() if path.endswith("/checkpoint.pt"))
    assert sent == (job.folder / "checkpoint.pt").read_bytes()


def test_a_wrong_key_is_told_before_the_study(server, job):
    server.key = "f" * 40
    said = run(job)
    assert said[0].startswith(f"W&B: {server.url} refuses the API key (status 401)")
    assert API_KEY not in " ".join(said)
    assert logs.load(job.out)[0]["outcome"].tolist() == ["finished"]
