"""Every command, code block, link, file, flag and table of the documents is what the program has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.documents import ROOT, Block, Command, blocks, commands, documents, links, spans, table
from tests.test_layout import ROOMS

README = documents()["README.md"]
LANGUAGES = {"bash", "python", "toml", "text", "mermaid"}  # text and mermaid are not to be run
SMALLEST = "--profile smoke --epochs 1 --seeds 1"


@dataclass(frozen=True)
class Rule:
    """How a command is checked. `quick` is appended for the quick test, `slow` for the slow one; None: no such test.

    An appended option wins over an earlier one of the same name, so the command itself runs as it stands.
    """

    pattern: str
    quick: str | None = None
    slow: str | None = None
    studied: bool = False  # needs the two studies of the fixture `studied`


RULES = (  # the first that matches
    Rule(r"run_ablation\.py .*--(list --estimate|all|watch)", slow=SMALLEST),
    Rule(r"run_ablation\.py .*--(list|cells|dry-run|status)", quick=""),
    Rule(r"run_ablation\.py .*imagefolder:PATH", quick="--dry-run"),
    Rule(r"run_ablation\.py .*--executor", quick="--dry-run"),  # tests/cluster has the real thing
    Rule(r"run_ablation\.py .*--wandb online", quick="--dry-run --wandb offline"),  # likewise
    Rule(r"precision\.py", quick="--dry-run", slow="--dataset digits --epochs 1 --seeds 1"),  # has quick alone
    Rule(r"run_ablation\.py", quick="--dry-run", slow=SMALLEST),
    Rule(r"make_report\.py .*--profile quick", slow="--profile smoke", studied=True),
    Rule(r"publish_dashboard\.py", slow="--dry-run", studied=True),  # the rest needs a server
    Rule(r"(make_report|compare_studies)\.py", slow="", studied=True),
    Rule(r"check_gpu\.py", quick="--help"),  # the rest needs a GPU
    Rule(r"describe_net\.py .*--table", slow=""),
    Rule(r"describe_net\.py|fetch_data\.py --list|analysis\.results\.verdict", quick=""),
    Rule(r"fetch_data\.py .*--check PATH", quick=""),
    Rule(r"fetch_data\.py", slow=""),
    Rule(
        r"-m benchmarks\.training_speed", slow="--nets resnet20 --settings fp32 --block-s 0.1 --repeats 1 --workers 0"
    ),
    Rule(r"-m benchmarks\.loading", slow="--images 100 --read 80 --workers 0"),
    Rule(r"-m benchmarks\.step_profile", slow="--batch 16"),
    Rule(r"-m benchmarks\.kernels", slow="--nets resnet20"),
    Rule(r"-m benchmarks\.many_runs", slow="--runs 200"),
    Rule(r"-m benchmarks\.full_study", slow=""),
    Rule(r"-m tests\.cluster"),  # by the tests beside it
    Rule(r"-m benchmarks\.endurance", slow="--epochs 10"),
    Rule(r"-m benchmarks\.pilot", slow="--epochs 0.1 --seeds 2 --minutes 0.2"),
    Rule(r"-m benchmarks\.results", quick="--check"),
    Rule(r"-m benchmarks\.analysis_scale", slow="--runs 5 10 --epochs 2"),
    Rule(r"-m analysis\.stats\.calibration", slow="--runs 40"),
    Rule(r"-m pytest|tests/portability", slow="--collect-only"),
    Rule(r"-m tests\.wandb_faults", slow="absent"),
    Rule(r"^wandb (sync|leet|login|agent)", quick="--help"),
)
MODULES = {"wandb": ("-m", "wandb"), "torchrun": ("-m", "torch.distributed.run")}
# Commands that change the environment, by what checks them instead.
CHECKED_ELSEWHERE = {
    "python3 -m venv .venv": ".ci/run",
    ". .venv/bin/activate": ".ci/run",
    "pip install -q -r requirements.txt": ".ci/run",
    "ruff check": ".ci/run",
    "ruff format": ".ci/run",
    "ty check": ".ci/run",
    "pre-commit install": ".pre-commit-config.yaml",
}
EXTRA = re.compile(r"pip install -e '\.\[(\w+)\]'")
COMMANDS = [c for c in commands() if c.text not in CHECKED_ELSEWHERE and not EXTRA.fullmatch(c.text)]


def rule_of(command: Command) -> Rule | None:
    return next((rule for rule in RULES if re.search(rule.pattern, command.text)), None)


def with_test(kind: str) -> list[Command]:
    return [command for command in COMMANDS if (rule := rule_of(command)) and getattr(rule, kind) is not None]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with a study in the folder `runs`, and one with another learning rate in `others`."""
    folder = clone(tmp_path_factory.mktemp("studied"))
    run(folder, "python scripts/run_ablation.py resnet_preact", SMALLEST)
    run(folder, "python scripts/run_ablation.py resnet_preact --out others --set recipe.learning_rate=0.1", SMALLEST)
    return folder


def clone(folder: Path) -> Path:
    """A folder that looks like a clone, with what the documents' placeholders name: PATH, path/to/mine.py."""
    for path in ROOT.iterdir():
        if path.name not in ("runs", "reports", "wandb"):
            (folder / path.name).symlink_to(path)
    stream = np.random.default_rng(0)
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            (folder / "PATH" / part / name).mkdir(parents=True)
            for i in range(40):
                pixels = stream.integers(256, size=(40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "PATH" / part / name / f"{i}.png")
    (folder / "path/to").mkdir(parents=True)
    (folder / "path/to/mine.py").write_text(declarations()[0].text)
    return folder


def declarations() -> list[Block]:
    return [block for block in blocks() if block.language == "python" and "ABLATION = " in block.text]


def run(folder: Path, text: str, appended: str = "") -> str:
    words = f"{text} {appended}".split()
    words[:1] = [sys.executable, *MODULES.get(words[0], ())]
    environment = os.environ | {"COLUMNS": "200", "PYTHONPATH": ""}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{text} {appended}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_command_is_covered():
    assert [str(command) for command in COMMANDS if rule_of(command) is None] == []


@pytest.mark.parametrize(("command", "path"), CHECKED_ELSEWHERE.items())
def test_a_command_that_changes_the_environment_is_the_one_that_is_checked(command, path):
    assert command in (ROOT / path).read_text()


def test_an_extra_that_is_to_be_installed_is_declared():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {match[1] for command in commands() if (match := EXTRA.fullmatch(command.text))}
    assert named
    assert named - extras.keys() == set()


@pytest.mark.parametrize("command", with_test("quick"), ids=str)
def test_a_command_is_understood(command, checkout):
    run(checkout, command.text, rule_of(command).quick)


@pytest.mark.slow
@pytest.mark.parametrize("command", with_test("slow"), ids=str)
def test_a_command_does_its_work(command, request):
    """Some need CIFAR-10 or a download."""
    rule = rule_of(command)
    run(request.getfixturevalue("studied" if rule.studied else "checkout"), command.text, rule.slow)


def test_every_block_has_a_language_that_is_checked():
    assert [str(block) for block in blocks() if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", declarations(), ids=str)
def test_a_documented_ablation_can_be_planned(block, checkout, tmp_path):
    (tmp_path / "mine.py").write_text(block.text)
    run(checkout, f"python scripts/run_ablation.py {tmp_path / 'mine.py'} --dry-run")


@pytest.mark.slow
@pytest.mark.parametrize("block", declarations(), ids=str)
def test_a_documented_ablation_ends_with_its_table(block, checkout, tmp_path):
    (tmp_path / "mine.py").write_text(block.text)
    run(checkout, f"python scripts/run_ablation.py {tmp_path / 'mine.py'} --out {tmp_path / 'runs'}", SMALLEST)
    assert list((tmp_path / "runs").glob("*/results/smoke*/table.md"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "block", [b for b in blocks() if b.language == "python" and "ABLATION = " not in b.text], ids=str
)
def test_any_other_python_block_runs_beside_a_study(block, studied, tmp_path):
    (tmp_path / "block.py").write_text(f"import sys\nsys.path.insert(0, '.')\n{block.text}")
    run(studied, f"python {tmp_path / 'block.py'}")


def test_every_link_leads_somewhere():
    broken = []
    for document, target in links():
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE) if anchor and file.is_file() else []
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        if not file.exists() or (anchor and anchor not in anchors):
            broken.append(f"{document}: {target}")
    assert broken == []


# What a run or a study writes, and names that stand for the reader's own.
WRITTEN = re.compile(
    r"(runs|reports|seed<k>|train|val|test|path/to)/.*|(report|index)\.html|(table|README)\.md|mine\.py|val\.txt"
    r"|LOC_val_solution\.csv|\w+_(ground_truth|synset_labels)\.txt"  # lists of ImageNet's labels
    r"|__init__\.py|(spec|env|state)\.json|checkpoint\.pt|table.*\.(csv|tex)"
)
FILE = re.compile(r"[\w./<>-]+\.(py|md|toml|txt|csv|json|yaml|yml|ipynb|js|css|html|pt|cff)|[\w.-]+/([\w.-]+/)*")


@pytest.mark.parametrize("document", [name for name in documents() if name != "CHANGELOG.md"])  # it names past files
def test_every_file_that_is_named_exists(document):
    named = [span for _, span in spans(documents()[document]) if FILE.fullmatch(span) and not WRITTEN.fullmatch(span)]
    places = [(ROOT / document).parent, ROOT, ROOT / "scripts", ROOT / "tests"]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@pytest.fixture(scope="module")
def help_texts() -> str:
    programs = [f"scripts/{path.name}" for path in sorted((ROOT / "scripts").glob("*.py"))]
    programs += ["-m pytest", *(f"-m benchmarks.{name}" for name in re.findall(r"-m benchmarks\.(\w+)", README))]
    return "\n".join(run(ROOT, f"python {program} --help") for program in programs)


@pytest.mark.parametrize("document", ["README.md", *(name for name in documents() if name.startswith("docs/"))])
def test_every_flag_that_is_named_exists(document, help_texts):
    named = {span.split()[0].partition("=")[0] for _, span in spans(documents()[document]) if span.startswith("--")}
    known = set(re.findall(r"--[\w-]+", help_texts))
    assert sorted(named - known) == []


def test_a_mapping_of_logs_has_options_of_make_report(help_texts):
    files = [tomllib.loads(block.text) for block in blocks() if block.language == "toml"]
    assert files
    assert [key for file in files for key in file if f"--{key}" not in help_texts] == []


def test_a_table_that_is_named_is_in_the_file_before_it():
    rows = table(documents()["docs/architecture.md"], "to change", "open", "tests")
    assert len(rows) >= 10
    named = [found for row in rows for found in re.findall(r"`([\w/]+\.py)` \([^)]*?`([A-Z]+)`", row[1])]
    named += [found[::-1] for row in rows for found in re.findall(r"`([A-Z]+)` in `([\w/.]+)`", row[1])]
    assert len(named) >= 8
    assert [(path, name) for path, name in named if not re.search(rf"^{name}\b", (ROOT / path).read_text(), re.M)] == []


def test_the_picture_shows_every_room_and_its_arrows_go_down():
    picture = next(block.text for block in blocks() if block.language == "mermaid")
    names = {room.rpartition(".")[2]: room for room in ROOMS} | {"spec": "experiments"}
    del names["experiments"]
    shown = set(re.findall(r"\b(\w+)\[", picture))
    assert set(names) - shown == {"schema"}
    arrows = re.findall(r"(\w+)(?:\[.*?\])? --> (\w+)", picture)
    assert len(arrows) >= len(shown) - 1
    assert [(a, b) for a, b in arrows if ROOMS.index(names[a]) >= ROOMS.index(names[b])] == []
