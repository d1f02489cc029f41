"""One study logged online, offline and then synced, and offline: the same table from every source."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.wandb_server import WandbServer

ROOT = Path(__file__).resolve().parents[2]
STUDY = ["resnet_preact", "--variants", "original", "full_preact", "--depth", "8", "--seeds", "2", "--epochs", "2"]


@pytest.mark.slow
def test_the_same_table_three_ways(tmp_path):
    server = WandbServer()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    home = {"HOME": str(tmp_path / "home"), "NETRC": str(tmp_path / "netrc")}

    def run(*words: object) -> str:
        call = [*map(str, words)]
        environment = kept | home | server.environment
        done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def train(out: str, *words: str) -> Path:
        run(sys.executable, "scripts/run_ablation.py", *STUDY, "--jobs", "1", "--out", tmp_path / out, *words)
        return tmp_path / out / "resnet_preact"

    def table(source: object) -> pd.DataFrame:
        place = tmp_path / "reports" / str(source).replace("/", "-")
        run(sys.executable, "scripts/make_report.py", "resnet_preact", "--source", source, "--out", place)
        return pd.read_csv(place / "table.csv")

    def untimed(found: pd.DataFrame) -> pd.DataFrame:
        return found.drop(columns=[name for name in found if "minutes" in name])

    try:
        online = train("online", "--wandb", "online")
        live = table("lab/resnet_preact")
        pd.testing.assert_frame_equal(table(online), live, check_exact=True)
        offline = train("offline", "--wandb", "offline")
        logged = table(offline)
        pd.testing.assert_frame_equal(untimed(logged), untimed(live), check_exact=True)
        run(Path(sys.executable).with_name("wandb"), "sync", "--project", "synced", offline / "wandb")
        pd.testing.assert_frame_equal(table("lab/synced"), logged, check_exact=True)
        assert sorted(logged["n"]) == [0, 0, 0, 2, 2]
        reports = [run for run in server.store.runs.values() if run.node["jobType"] == "report"]
        assert sorted(run.project for run in reports) == ["resnet_preact", "synced"]
        assert all("table" in run.rows[0] and "figures/seeds" in run.rows[0] for run in reports)
    finally:
        server.stop()
