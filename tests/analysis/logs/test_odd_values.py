"""One odd but well-formed value in one log: it is named or harmless, and the rest is analysed."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis import logs, write
from analysis.output import report
from analysis.output.files import write_tables
from analysis.results.findings import Findings
from analysis.study import TableError
from tests.analysis.logs.records import raw, study

DEEP = raw("[" * 900 + "]" * 900)
DEEP_MAPPING = raw('{"a":' * 900 + "1" + "}" * 900)
ODD: dict[str, Any] = {
    "a text": "fast",
    "an empty text": "",
    "a huge whole number": 10**400,
    "a whole number of 5000 digits": raw("1" * 5000),
    "900 lists deep": DEEP,
    "900 mappings deep": DEEP_MAPPING,
    "a lone surrogate": raw('"\\ud800"'),
    "NaN": raw("NaN"),
    "infinite": raw("-Infinity"),
    "true": True,
    "null": None,
    "a list": [1, [2, "x"]],
    "a mapping": {"b": {"c": 1}},
    "an empty mapping": {},
    "negative": -1,
    "zero": 0,
    "a long text": "x" * 300_000,
    "control characters": "a\x1b[31m\nb",
}
PLACES = {
    "test error of the summary": ("summary", "test/error"),
    "test error of the last row": ("row", "test/error"),
    "train error of the last row": ("row", "train/error"),
    "epoch": ("row", "epoch"),
    "time of a run": ("summary", "time/train_s"),
    "outcome": ("summary", "outcome"),
    "seed": ("config", "seed"),
    "parameters": ("config", "parameters"),
    "multiply-adds": ("config", "multiply_adds"),
    "iterations": ("config", "recipe", "iterations"),
    "net": ("config", "net", "name"),
    "level": ("config", "net", "order"),
    "data": ("config", "data", "name"),
    "device": ("config", "device"),
    "version": ("config", "env", "python"),
    **{f"declared {key}": ("config", "ablation", key) for key in (
        "name", "question", "kind", "factors", "baseline", "variants", "labels", "levels", "steps", "published",
        "paper_net", "failure_error", "target_train_error", "fixed", "deviations",
    )},
}  # fmt: skip
# A run with another net or recipe than the others is refused, in one line.
GUARDED = {"net", "level", "data", "device", "iterations"}


def analysed(folder: Path, out: Path) -> Findings:
    runs, history = logs.load(folder, ablation="resnet_preact")
    findings = Findings.from_frames(runs, history)
    write.show(Console(file=io.StringIO()), findings)
    write_tables(findings, out, "table")
    report.write(findings, {}, out)
    return findings


QUICK = ("a text", "900 mappings deep", "a lone surrogate", "a huge whole number")


@pytest.mark.parametrize("odd", [pytest.param(o, marks=[] if o in QUICK else [pytest.mark.slow]) for o in ODD])
def test_an_odd_value_anywhere_stops_nothing(odd: str, tmp_path: Path) -> None:
    refused = {}
    for number, (name, place) in enumerate(PLACES.items()):
        folder = study(tmp_path / str(number), {place: ODD[odd]})
        try:
            findings = analysed(folder, tmp_path / f"out{number}")
        except TableError as error:
            refused[name] = str(error)
        else:
            assert findings.variants.loc["original", ["n", "failed"]].sum() == 2, name
    assert [name for name in refused if name not in GUARDED and not name.startswith("declared ")] == []
    assert [line for line in refused.values() if "\n" in line] == []


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_stops_no_figure(odd: str, tmp_path: Path) -> None:
    for number, place in enumerate(PLACES.values()):
        runs, history = logs.load(study(tmp_path / str(number), {place: ODD[odd]}), ablation="resnet_preact")
        with contextlib.suppress(TableError):
            write.conclude(Console(file=io.StringIO()), runs, history, tmp_path / f"out{number}")


@pytest.mark.parametrize("odd", ["a text", "a huge whole number", "true", "a list"])
def test_what_is_no_number_is_named_with_its_file(odd: str, tmp_path: Path) -> None:
    folder = study(tmp_path / "logs", {("row", "test/error"): ODD[odd], ("config", "parameters"): ODD[odd]})
    problems = analysed(folder, tmp_path / "out").problems
    assert any(line.startswith("full_preact-s1: ") and "test/error are not numbers" in line for line in problems)
    assert any("parameters in the config is not a number" in line for line in problems)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("variants", "original", "its ablation.variants is original"),
        ("variants", ["a", "a"], r"its ablation.variants is \[a, a\]"),
        ("factors", None, "it has no ablation.factors"),
        ("baseline", "plain", "its ablation.baseline is plain"),
        ("name", 3, "its ablation.name is 3"),
    ],
)
def test_a_declaration_that_does_not_say_what_is_compared_is_refused(tmp_path: Path, key: str, value: Any, said: str):
    runs, history = logs.load(study(tmp_path, {("config", "ablation", key): value}, seeds=1))
    with pytest.raises(TableError, match=f"declares no ablation: {said}"):
        Findings.from_frames(runs.assign(ablation="resnet_preact"), history)


def test_labels_of_another_number_are_left_out_and_named(tmp_path: Path) -> None:
    folder = study(tmp_path / "logs", {("config", "ablation", "labels"): ["only one"]})
    findings = analysed(folder, tmp_path / "out")
    assert list(findings.variants["label"]) == ["original", "full_preact"]
    assert any("the declared labels cannot be used" in line for line in findings.problems)


@pytest.mark.parametrize(("seed", "counted"), [("1", True), (1.0, True), ("+1", True), ("one", False), (1.5, False)])
def test_seeds_in_other_words(tmp_path: Path, seed: Any, counted: bool) -> None:
    runs, _ = logs.load(study(tmp_path, {("config", "seed"): seed}))
    found = runs.set_index("run_id")["seed"]["full_preact1"]
    assert str(found) == ("1" if counted else "<NA>")


def test_metrics_named_as_columns_leave_those_alone(tmp_path: Path) -> None:
    odd = {("row", "seed"): 77, ("row", "variant"): "other", ("row", "run_id"): 5}
    _, history = logs.load(study(tmp_path, odd))
    assert set(history["variant"]) == {"original", "full_preact"}
    assert set(history["seed"]) == {0, 1}
    assert history["metric.seed"].dropna().tolist() == [77]


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    study(tmp_path / "logs")
    path = tmp_path / "logs" / "run-x.wandb"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
        assert stat.S_ISCHR(path.stat().st_mode)
    findings = analysed(tmp_path / "logs", tmp_path / "out")
    assert any("not a regular file" in line for line in findings.problems)
    assert findings.variants["n"].tolist() == [2, 2]


def test_a_log_whose_run_record_is_damaged_is_named(tmp_path: Path) -> None:
    folder = study(tmp_path / "logs")
    path = folder / "run-full_preact1.wandb"
    data = bytearray(path.read_bytes())
    data[20] ^= 1  # within the first record
    path.write_bytes(data)
    findings = analysed(folder, tmp_path / "out")
    assert any(line.startswith("full_preact1: unreadable, not counted") for line in findings.problems)
    assert findings.variants["n"].tolist() == [2, 1]


def test_a_whole_log_wins_over_its_cut_copy_wherever_they_are(tmp_path: Path) -> None:
    for place in ("a", "z"):
        folder = study(tmp_path / place / "logs")
        whole = folder / "run-full_preact1.wandb"
        (folder / place).mkdir()
        (folder / place / whole.name).write_bytes(whole.read_bytes()[:-200])
        findings = analysed(folder, tmp_path / place / "out")
        assert findings.variants["n"].tolist() == [2, 2]


def test_linked_folders_are_searched_once_and_loops_end(tmp_path: Path) -> None:
    study(tmp_path / "real")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "logs")
    runs, _ = logs.load(tmp_path / "logs")
    assert len(runs) == 4
    assert runs["fragments"].tolist() == [1] * 4
