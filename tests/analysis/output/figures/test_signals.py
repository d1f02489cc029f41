"""Signals unit by unit, and gates: which values, of which seed, at which epochs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.output import figures

UNITS = 3


def with_signals(history: pd.DataFrame, kind: str = "gradient") -> pd.DataFrame:
    """Unit u at epoch e: 10 ** -u * e for seed 0, nothing for the others."""
    first = history["seed"] == 0
    values = {f"signal/{kind}/{u:02d}": (10.0**-u * history["epoch"]).where(first) for u in range(UNITS)}
    return history.assign(**values)


def curves(axes) -> list[list[float]]:
    return [list(line.get_ydata()) for line in axes.get_lines()]


def test_a_panel_per_variant_and_a_line_per_epoch_from_the_initial_weights(frames, texts):
    runs, history = frames
    figure = figures.signal(runs, with_signals(history), "gradient")
    panels = figure.axes
    assert [axes.get_title() for axes in panels] == ["original", "full pre-activation"]
    for axes in panels:
        assert axes.get_yscale() == "log"
        assert [list(line.get_xdata()) for line in axes.get_lines()] == [[0, 1, 2]] * 4
        assert np.allclose(curves(axes), [[e, e / 10, e / 100] for e in (1, 2, 3, 4)])
    assert texts(figure) == ["initial weights", "after 1 epoch", "after 2 epochs", "after 3 epochs"]
    assert [tick.get_text() for tick in panels[0].get_yticklabels()] == ["0.01", "0.03", "0.1", "0.3", "1", "3"]
    assert [line.get_linestyle() for line in panels[0].get_lines()] == ["--", "-", "-", "-"]


def test_at_most_six_epochs_the_first_and_the_last_among_them(frames, texts):
    runs, history = frames
    long = pd.concat([history[history["epoch"] == 1].assign(epoch=epoch) for epoch in range(1, 165)], ignore_index=True)
    first, *others = texts(figures.signal(runs, with_signals(long, "activation"), "activation"))
    assert first == "initial weights"
    shown = [0, *(int(text.split()[1]) for text in others)]
    assert (shown[0], shown[-1], len(shown)) == (0, 163, 6)
    assert np.ptp(np.diff(shown)) <= 1


def test_zero_and_infinite_sizes_have_no_place_on_a_logarithmic_axis(frames):
    runs, history = frames
    broken = with_signals(history)
    broken.loc[broken["epoch"] == 1, ["signal/gradient/00", "signal/gradient/01"]] = [0.0, np.inf]
    first = curves(figures.signal(runs, broken, "gradient").axes[0])[0]
    assert np.isnan(first[:2]).all()
    assert first[2] == pytest.approx(0.01)


def test_gates_are_lines_through_training_on_a_logit_axis(frames, texts):
    runs, history = frames
    gated = with_signals(history, "gate")
    gates = [column for column in gated if column.startswith("signal/")]
    gated[gates] /= 8
    gated.loc[gated["variant"] == "original", gates] = np.nan
    figure = figures.gates(runs, gated)
    (axes,) = figure.axes
    assert axes.get_title() == "full pre-activation"
    assert [list(line.get_xdata()) for line in axes.get_lines()] == [[0, 1, 2, 3]] * UNITS
    assert np.allclose(curves(axes), [[10.0**-u * e / 8 for e in (1, 2, 3, 4)] for u in range(UNITS)])
    assert axes.get_yscale() == "logit"
    assert texts(figure) == ["unit 0", "unit 1", "unit 2"]


def test_logs_without_signals_have_no_such_figure(frames):
    runs, history = frames
    assert figures.signal(runs, history, "activation") is None
    assert figures.gates(runs, with_signals(history)) is None


def test_small_gradients_are_powers_of_ten(frames):
    runs, history = frames
    tiny = with_signals(history)
    tiny[[f"signal/gradient/{u:02d}" for u in range(UNITS)]] *= 1e-6
    ticks = [tick.get_text() for tick in figures.signal(runs, tiny, "gradient").axes[0].get_yticklabels()]
    assert {"1×10⁻⁶", "3×10⁻⁷"} < set(ticks)
