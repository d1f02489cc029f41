"""The table of ablations: runs are variants times seeds, and a forecast is the sum of its runs."""

import pytest
from rich.console import Console

from experiments import ablations, machine
from experiments.planning import estimate
from experiments.terminal import listing


def test_runs_are_variants_times_seeds():
    assert listing.entry_of(ablations.load("resnet_preact")).runs == {
        "smoke": 5 * 14,
        "quick": 5 * 8,
        "paper": 5 * 5,
    }  # five orders
    assert listing.entry_of(ablations.load("resnet_shortcut")).runs["paper"] == 16 * 5


def test_a_cell_says_runs_and_time():
    entry = listing.entry_of(ablations.load("resnet_preact"), lambda ablation, profile: 60.0)
    assert listing.cost(entry, "smoke") == "70 runs, 60 seconds"
    assert listing.cost(entry, "long") == ""
    assert listing.cost(listing.entry_of(ablations.load("resnet_preact")), "smoke") == "70 runs"


def test_one_row_per_ablation(capsys):
    listing.print_list(Console(width=200))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ablation", "question", "smoke", "quick", "paper"]
    assert [line.split()[0] for line in lines[1:-1]] == list(ablations.names())


def test_the_forecast_of_a_profile_is_the_sum_of_its_runs(monkeypatch):
    """At one second per image of the baseline: the images trained, and a third of the test images per epoch."""
    monkeypatch.setattr(estimate, "seconds_per_image", lambda spec: 1.0)
    monkeypatch.setattr(machine, "cores", lambda: 3)
    monkeypatch.setattr(machine, "free_memory", lambda: 1e12)
    ablation = ablations.load("resnet_depth")
    runs = ablation.specs("smoke")
    each = [spec.recipe.iterations * 32 + spec.epochs * 360 / 3 for spec in runs.values()]
    macs = {name: estimate.costs(spec)["multiply_adds"] for name, spec in runs.items()}
    weights = [macs[name] / macs["plain20"] for name in runs]
    seconds = 11 * sum(a * b for a, b in zip(each, weights, strict=True)) / 3
    assert estimate.profile_seconds(ablation, "smoke", "cpu") == pytest.approx(seconds)
