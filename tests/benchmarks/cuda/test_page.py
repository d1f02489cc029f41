"""The page says what was found, and the JSON file holds the same."""

import json

from benchmarks.cuda import page
from benchmarks.cuda.checks import Result
from benchmarks.cuda.timing import Row
from experiments.execution import environment

RESULTS = (
    Result("recorded", "Equal?", True, "114 tensors equal", 3.2),
    Result("runs", "Flat?", False, "RuntimeError: a | b", 61.0, "Traceback ...\nRuntimeError: a | b\n"),
)
ROWS = (
    Row("resnet20", "usual loop", 5000.0, 5000.0, 25.6, 0.02, 0.1),
    Row("resnet20", "bf16", 40_000.0, 5000.0, 3.2, 0.16, 0.8, kernels=245),
)


def test_the_page_and_its_json(tmp_path):
    env = environment.describe("cpu")
    paths = page.write(tmp_path / "new", env, RESULTS, ROWS)
    assert [path.name for path in paths] == ["gpu_check.json", "gpu_check.md"]
    tree, text = json.loads(paths[0].read_text()), paths[1].read_text()
    assert tree["env"] == env
    assert [(check["name"], check["passed"]) for check in tree["checks"]] == [("recorded", True), ("runs", False)]
    assert [row["ratio"] for row in tree["benchmark"]] == [1.0, 8.0]
    assert text.startswith("# Check of a GPU: 1 of 2 checks passed\n")
    assert env["device"] in text
    assert "| recorded | Equal? | passed | 3 | 114 tensors equal |" in text
    assert "| runs | Flat? | FAILED | 61 | RuntimeError: a \\| b |" in text
    assert "| resnet20 | bf16 | 40,000 | 8.00 | 3.20 | 245 | 16.0% | 80.0% |" in text
    assert "## runs\n\n```\nTraceback" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {6, 9}


def test_without_a_benchmark_there_is_no_second_table():
    assert "Batches of CIFAR-10" not in page.page(environment.describe("cpu"), RESULTS, ())
