"""The report made again from logs alone, as a user gives the command; bad input gets one line and status 2."""

import csv
import os
from pathlib import Path

import pytest
import tyro

from experiments.execution.tracking import Tracker
from experiments.execution.wandb_page import Page
from tests.analysis.logs.records import CONFIG, log, rows_of

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
    assert {".html", ".md", ".csv", ".tex", ".pdf", ".svg", ".png", ".json"} == {Path(path).suffix for path in written}
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


@pytest.mark.parametrize("job_type", ["../up", "/x/y", "..", "a/../../b"])
def test_a_name_from_a_log_is_no_path(ended, tmp_path, job_type):
    for seed in range(2):
        config = CONFIG | {"seed": seed, "net": {"name": "resnet20", "order": "original"}}
        run = {"project": "resnet_preact", "run_group": "original", "job_type": job_type}
        (tmp_path / f"run-{seed}.wandb").write_bytes(log(str(seed), config, rows_of(9.0), rows_of(9.0)[-1], **run))
    status, _, err = ended("resnet_preact", "--source", tmp_path)
    assert (status, err) == (0, "")
    (folder,) = (tmp_path / "reports" / "resnet_preact").iterdir()
    assert (folder / "report.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"run-0.wandb", "run-1.wandb", "reports"}


def test_a_study_is_followed_until_its_last_run_has_ended(ended, tmp_path, monkeypatch):
    config = CONFIG | {"seed": 0, "net": {"name": "resnet20", "order": "original"}}
    run = {"project": "resnet_preact", "run_group": "original", "job_type": "smoke"}
    path = tmp_path / "run-0.wandb"
    pages = []

    def write(exit_code):
        path.write_bytes(log("0", config, rows_of(9.0), rows_of(9.0)[-1], exit_code, **run))

    def wait(seconds):
        pages.append((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
        write(0)

    write(None)
    monkeypatch.setattr("time.sleep", wait)
    status, text, err = ended("resnet_preact", "--source", tmp_path, "--out", tmp_path / "out", "--follow")
    assert (status, err) == (0, "")
    assert "1 unfinished; the next look" in text
    (first,) = pages
    last = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert '"median":[11.0,10.0,9.0]' in first  # the curve of the run that had not ended
    assert "unfinished" in first
    assert "unfinished" not in last


def test_conditions_choose_runs(source, ended, tmp_path):
    words = ["resnet_preact", "--source", source, "--where", "profile=smoke", "--out", tmp_path / "out"]
    status, text, err = ended(*words, "--exclude", "variant=full*")
    assert (status, err) == (0, "")
    assert "full_preact: no run" in text
    status, _, err = ended(*words, "--where", "seed=7")
    assert (status, "no run is left" in err) == (2, True)


def test_all_reports_every_study_and_writes_one_page(source, ended, tmp_path):
    status, text, err = ended("--all", "--source", source, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    found = {path.parent.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("report.html")}
    assert found == {"resnet_preact/smoke", "resnet_preact/quick", "resnet_depth/smoke"}
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{place}/report.html"' in page for place in found)
    assert "index.md" in text
    for place, error in (("resnet_preact/smoke", 12.5), ("resnet_preact/quick", 9.5), ("resnet_depth/smoke", 55.5)):
        with (tmp_path / "out" / place / "table.csv").open() as file:
            assert float(next(csv.DictReader(file))["median"]) == error
        assert f'"median":[{error + 1:g},{error:g}]' in (tmp_path / "out" / place / "report.html").read_text()


def test_all_takes_no_option_that_would_not_suit_every_study(source, ended):
    for words, option in ((["resnet_preact"], "name"), (["--metric", "ece"], "--metric"), (["--follow"], "--follow")):
        status, _, err = ended("--all", "--source", source, *words)
        assert (status, f"--all takes no {option}" in err) == (2, True)


def test_columns_of_the_latex_table(source, ended, tmp_path):
    words = ("resnet_preact", "--source", source, "--profile", "smoke", "--out", tmp_path / "out")
    assert ended(*words, "--columns", "variant", "ours", "parameters")[0] == 2  # these logs have no parameters
    status, _, err = ended(*words, "--columns", "variant", "ours")
    assert (status, err) == (0, "")
    assert r"variant & {ours (\%)} \\" in (tmp_path / "out" / "table.tex").read_text()
