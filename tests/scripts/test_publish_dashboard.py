"""The workspace and the report published by command, to the test server and as JSON."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import Page
from tests.wandb_server import WandbServer

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "publish_dashboard.py"
DECLARED = {
    "name": "planted",
    "question": "Where do BN and ReLU belong?",
    "factors": ["net.order"],
    "baseline": "original",
    "variants": ["original", "full_preact"],
    "labels": ["original", "full pre-activation"],
    "published": None,
    "paper_net": None,
    "failure_error": None,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return logged(tmp_path_factory.mktemp("runs"), "smoke")


def logged(folder, profile):
    for variant, error in (("original", 12.5), ("full_preact", 11.25)):
        config = {"seed": 0, "net": {"name": "resnet20", "order": variant}, "study_declaration": DECLARED}
        page = Page("planted", variant, profile, f"{variant}-s0", f"{variant}-s0-1", (), config)
        with Tracker(folder, "offline", page) as tracker:
            tracker.log({"epoch": 1, "test/error": error, "train/error": error})
            tracker.finish("finished", {"test/error": error})
    return folder


def test_a_dry_run_writes_both_as_json_and_lists_every_panel(source, tmp_path):
    call = [sys.executable, SCRIPT, "planted", "--entity", "lab", "--source", source, "--dry-run", "--out", tmp_path]
    done = subprocess.run(list(map(str, call)), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"workspace.json", "report.json"}
    assert done.stdout.count("test error (%) of the last epoch, mean and range") == 2


def test_a_profile_in_a_log_chooses_no_folder(tmp_path):
    logs, here = logged(tmp_path / "runs", "../../up"), tmp_path / "deep/down/here"
    here.mkdir(parents=True)
    call = [sys.executable, SCRIPT, "planted", "--entity", "lab", "--source", logs, "--dry-run"]
    done = subprocess.run(list(map(str, call)), capture_output=True, text=True, timeout=100, cwd=here)
    assert done.returncode == 0, done.stderr
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.json") if "runs" not in path.parts}
    assert written == {Path("deep/down/here/reports/planted/up", name) for name in ("workspace.json", "report.json")}


@pytest.mark.slow
def test_both_are_saved_on_a_server_and_their_addresses_printed(source, tmp_path):
    server = WandbServer()
    server.store.projects.add(("lab", "planted"))
    environment = os.environ | server.environment | {"HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc")}
    call = [sys.executable, SCRIPT, "planted", "--entity", "lab", "--source", source]
    try:
        done = subprocess.run(list(map(str, call)), capture_output=True, text=True, timeout=100, env=environment)
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    workspace, report = done.stdout.split()
    assert workspace.startswith(f"{server.url}/lab/planted?nw=")
    assert report.startswith(f"{server.url}/lab/planted/reports/planted-smoke--")
    assert [view["displayName"] for view in server.store.views] == ["planted smoke", "planted smoke"]


@pytest.mark.parametrize(
    ("missing", "words", "line"),
    [
        (True, ["planted"], "dashboards need the package wandb-workspaces: pip install -e '.[dashboards]'"),
        (False, ["planted", "--source", "nowhere"], "no folder or file nowhere"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(missing, words, line, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import publish_dashboard

    if missing:
        monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    else:
        pytest.importorskip("wandb_workspaces")
        monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", sys)  # its import alone raises warnings
    status = publish_dashboard.main(tyro.cli(publish_dashboard.Args, args=[*words, "--entity", "lab"]))
    err = capsys.readouterr().err
    assert (status, len(err.splitlines())) == (2, 1)
    assert line in err
