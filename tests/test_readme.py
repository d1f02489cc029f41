"""The tables of README.md are what the program and the stored results say."""

from __future__ import annotations

import re

from experiments import ablations
from tests.documents import ROOT, documents, table

README = documents()["README.md"]


def test_the_table_of_commands_has_every_script():
    rows = table(README, "command", "what it does")
    missing = [path.name for path in (ROOT / "scripts").glob("*.py") if not any(path.name in row[0] for row in rows)]
    assert missing == []


def test_the_deviations_are_those_of_the_declaration():
    rows = table(README, "#", "what", "paper", "here")
    declared = ablations.load("resnet_preact").deviations_of("paper")
    assert rows == [(str(i), d.what, d.paper, d.ours) for i, d in enumerate(declared, 1)]


def test_a_topic_of_the_lectures_is_in_the_file_that_the_table_names():
    rows = table(README, "topic", "file")
    assert len(rows) >= 9
    for topic, cell in rows:
        files = [(ROOT / target).read_text() for target in re.findall(r"\]\(([^)]+)\)", cell)]
        assert files, topic
        for name in re.findall(r"`([^`]+)`", topic):
            assert any(name in text for text in files), f"{name} is not in {cell}"


def test_a_message_that_the_readme_explains_is_one_of_the_program():
    source = "\n".join(
        path.read_text() for folder in ("experiments", "analysis", "scripts") for path in ROOT.glob(f"{folder}/**/*.py")
    )
    messages = [row[0].strip("`") for row in table(README, "what you see", "what to do") if row[0].startswith("`")]
    assert len(messages) >= 5
    assert [message for message in messages if message not in source] == []


NETS = {
    "ResNet-20": "resnet20",
    "ResNet-110": "resnet110",
    "pre-activation ResNet-164": "preact_resnet164",
    "AlexNet for CIFAR": "alexnet_cifar",
    "DenseNet-40": "densenet40",
}


def test_the_speeds_are_those_of_the_stored_measurement():
    stored = documents()["results/benchmark/README.md"]
    measured = {
        (net, ours): (usual, f"{images} ({ratio})")
        for net, ours, usual, images, ratio, _ in _rows_under(stored, "range")
    }
    columns = ("fp32", "bf16", "fp32, 2 in parallel", "bf16, 2 in parallel")
    rows = table(README, "net", "usual loop", *columns)
    assert [row[0] for row in rows] == list(NETS)
    for net, usual, *speeds in rows:
        assert [(usual, speed) for speed in speeds] == [measured[NETS[net], column] for column in columns]


def _rows_under(text: str, last_heading: str) -> list[tuple[str, ...]]:
    lines = text.splitlines()
    heading = next(line for line in lines if line.startswith("|") and line.strip(" |").endswith(last_heading))
    return table(text, *(cell.strip() for cell in heading.strip().strip("|").split("|")))
