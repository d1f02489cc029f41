"""Which figures an ablation gets, and that all of them are legible and embed their fonts."""

from __future__ import annotations

import pytest

from analysis.output import figures

ALWAYS = ["training_curves", "seeds"]
FACTORIAL = {"kind": "factorial", "factors": ["net.shortcut", "net.name"]}
LEVELS = [
    {"net.shortcut": shortcut, "net.name": f"resnet{d}"} for d in (20, 44, 56) for shortcut in ("none", "identity")
]
SIX = {f"v{i}": {0: 6.0 + i, 1: 6.5 + i, 2: None} for i in range(6)}


def with_signals(history, units=9):
    for kind in ("activation", "gradient", "gate"):
        values = {f"signal/{kind}/{u:02d}": 0.1 / (u + history["epoch"]) for u in range(units)}
        history = history.assign(**{name: value.where(history["seed"] == 0) for name, value in values.items()})
    return history


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, []),
        ({"kind": "parts"}, []),
        ({"kind": "ladder", "steps": [None, *"abcde"]}, ["ladder"]),
        (FACTORIAL | {"levels": LEVELS}, ["degradation", "interaction"]),
        ({"kind": "factorial", "levels": [{"a": i % 2, "b": i // 2} for i in range(6)]}, ["interaction"]),
        ({"target_train_error": 25.0}, ["error_to_target"]),
    ],
)
def test_the_declaration_chooses_the_figures(declared, keys, expected):
    assert list(figures.all_figures(*declared(SIX, **keys))) == ALWAYS + expected


def test_the_logs_metrics_and_costs_choose_the_others(declared):
    runs, history = declared(SIX)
    runs["config.parameters"] = runs["variant"].map({f"v{i}": 1e6 * (1 + i) for i in range(6)})
    drawn = figures.all_figures(runs, with_signals(history))
    assert list(drawn) == [*ALWAYS, "error_against_cost", "signal_activation", "signal_gradient", "gates"]


def test_runs_that_have_not_ended_have_curves_and_crashed_ones_none(frames):
    runs, history = frames
    assert list(figures.all_figures(runs.assign(outcome="unfinished"), history)) == ["training_curves"]
    assert figures.all_figures(runs.assign(outcome="crashed"), history) == {}


def test_runs_that_all_diverged_still_have_their_curves_and_rows(declared):
    assert list(figures.all_figures(*declared({"a": {0: None}, "b": {0: None}}))) == ALWAYS


@pytest.mark.parametrize(
    ("variants", "signals", "columns"),
    [
        (2, True, None),
        (5, False, 1),
        (5, False, 2),
        (12, False, None),
        pytest.param(12, True, 1, marks=pytest.mark.slow),
    ],
)
def test_no_text_covers_another_or_is_cut_off(declared, overlaps, variants, signals, columns):
    names = [f"shortcut × 0.{i}, residual × 0.5" for i in range(variants)]
    errors = {name: {0: 6.0 + 3 * i, 1: 7.0 + 3 * i, 2: None if i % 3 == 1 else 6.4} for i, name in enumerate(names)}
    runs, history = declared(errors, kind="ladder", steps=[None, *names[1:]], target_train_error=25.0)
    runs["config.parameters"] = runs["variant"].map({name: 1e6 * 1.3**i for i, name in enumerate(names)})
    runs["config.multiply_adds"] = 150 * runs["config.parameters"]
    drawn = figures.all_figures(runs, with_signals(history) if signals else history, columns)
    assert len(drawn) == (8 if signals else 5)
    assert {name: found for name, figure in drawn.items() if (found := overlaps(figure))} == {}


def test_no_text_of_a_factorial_covers_another(declared, overlaps):
    drawn = figures.all_figures(*declared(SIX, **FACTORIAL, levels=LEVELS))  # a failure in every cell
    assert {name: found for name, figure in drawn.items() if (found := overlaps(figure))} == {}
