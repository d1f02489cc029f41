"""The report made again from logs alone, as a user gives the command; bad input gets one line and status 2."""

import csv
import os
from pathlib import Path

import pytest
import tyro

from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import Page

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_report.py"
# ablation, profile, variant, seed, last test error; residual20 and original are one run of two ablations, one id
RUNS = (
    ("resnet_preact", "smoke", "original", 0, 12.5),
    ("resnet_preact", "smoke", "full_preact", 0, 11.25),
    ("resnet_preact", "quick", "original", 0, 9.5),
    ("resnet_depth", "smoke", "original", 0, 55.5),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Offline runs of two epochs, written by the real client."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        for ablation, profile, variant, seed, error in RUNS:
            config = {
                "seed": seed,
                "net": {"name": "resnet20", "order": variant},
                "ablation": {
                    "name": ablation,
                    "question": "Where do BN and ReLU belong?",
                    "factors": ["net.order"],
                    "baseline": "original",
                    "variants": ["original", "full_preact"],
                    "labels": ["original", "full pre-activation"],
                    "published": None,
                    "paper_net": None,
                    "failure_error": None,
                },
            }
            place = folder / ablation / profile / variant
            place.mkdir(parents=True)
            page = Page(ablation, variant, profile, f"{variant}-s{seed}", f"{profile}-{variant}-{seed}", (), config)
            with Tracker(place, "offline", page) as tracker:
                for epoch in (1, 2):
                    tracker.log({"epoch": epoch, "test/error": error + 2 - epoch, "train/error": error})
                tracker.finish("finished", {"test/error": error})
    return folder


@pytest.fixture
def ended(capsys, monkeypatch, tmp_path):
    """Exit status, output and errors of the command with these words, given in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import make_report

    def run(*words):
        status = make_report.main(tyro.cli(make_report.Args, args=[str(word) for word in words]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_the_report_lies_where_it_says_with_tables_and_figures(source, ended, tmp_path):
    status, text, err = ended("resnet_preact", "--source", source, "--profile", "smoke")
    assert (status, err) == (0, "")
    folder = tmp_path / "reports" / "resnet_preact" / "smoke"
    written = [line.strip() for line in text.partition("Written:")[2].splitlines() if line.strip()]
    assert {tmp_path / path for path in written} == set(folder.iterdir())
    assert written[0].endswith("report.html")
    assert {".html", ".md", ".csv", ".tex", ".pdf", ".svg", ".png"} == {Path(path).suffix for path in written}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "11.25" in page
    assert page.count('src="data:image/svg+xml') == len(list(folder.glob("*.svg"))) > 0


def test_a_run_that_two_ablations_share_is_read_once(source, ended, tmp_path):
    for ablation, error in (("resnet_preact", 12.5), ("resnet_depth", 55.5)):
        status, _, err = ended(ablation, "--source", source, "--profile", "smoke", "--out", tmp_path / ablation)
        assert (status, err) == (0, "")
        with (tmp_path / ablation / "table.csv").open() as file:
            assert float(next(csv.DictReader(file))["median"]) == error
        page = (tmp_path / ablation / "report.html").read_text(encoding="utf-8")
        assert f'"median":[{error + 1:g},{error:g}]' in page


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["resnet_preact"], "holds several profiles; choose one with --profile: quick, smoke"),
        (["resnet_preakt"], "ablations there: resnet_depth, resnet_preact"),
        (["resnet_preact", "--profile", "paper"], "profiles there: quick, smoke"),
        (["resnet_preact", "--source", "nowhere"], "no folder or file nowhere"),
        (["resnet_preact", "--profile", "smoke", "--out", "/proc/report"], "name another folder with --out"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(source, ended, words, line):
    words = words if "--source" in words else [*words, "--source", source]
    status, _, err = ended(*words)
    assert status == 2
    assert err.startswith("make_report: ")
    assert line in err
    assert len(err.strip().splitlines()) == 1
