"""The table of all ablations: right the first time, quick from the cache, and never of other code."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments import ablations
from experiments.planning import concurrency, forecast
from experiments.terminal import listing

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_runs_are_variants_times_seeds():
    found = {entry.name: entry for entry in listing.entries()}
    assert set(found) == set(ablations.names())
    assert found["resnet_preact"].runs == {"smoke": 15, "quick": 15, "paper": 25}  # five orders
    assert found["resnet_shortcut"].runs["paper"] == 16 * 5


def test_the_second_time_it_needs_no_torch(tmp_path):
    first = listing.entries()
    code = "import sys; from experiments.terminal import listing; print(len(listing.entries()), 'torch' in sys.modules)"
    call = [sys.executable, "-c", code]
    again = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert again.split() == [str(len(first)), "False"]


@pytest.mark.parametrize("text", ["", "{", '[{"name": "a"}]', '[{"unknown": 1}]'])
def test_a_damaged_cache_is_made_anew(text):
    listing.entries()
    listing.cache_file().write_text(text)
    assert len(listing.entries()) == len(ablations.names())


def test_costs_are_added_once_and_then_kept(monkeypatch):
    asked = []
    monkeypatch.setattr(forecast, "forecast", lambda ablation, profile, device: 60.0)
    assert all(entry.seconds["paper"] == 60.0 for entry in listing.entries(asked.append))
    listing.entries(asked.append)
    assert asked == list(ablations.names())
    assert listing.cost(listing.entries()[0], "smoke").endswith("60 seconds")


def test_the_forecast_of_a_plan_is_the_sum_of_its_runs(monkeypatch):
    """At one second an image of the baseline: images trained, and a third of the test images an epoch."""
    monkeypatch.setattr(forecast, "seconds_per_image", lambda spec: 1.0)
    ablation = ablations.load("resnet_depth")
    seconds = forecast.forecast(ablation, "smoke", "cpu")
    runs = ablation.specs("smoke")
    each = [spec.recipe.iterations * 32 + spec.epochs * 360 / 3 for spec in runs.values()]
    macs = {name: forecast.costs(spec)["multiply_adds"] for name, spec in runs.items()}
    weights = [macs[name] / macs["plain20"] for name in runs]
    together = min(concurrency.cores(), 8)
    assert seconds == pytest.approx(2 * sum(a * b for a, b in zip(each, weights, strict=True)) / together)
