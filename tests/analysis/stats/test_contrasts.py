"""Effects of factorials and ladders: by hand, against analysis of variance and least squares, with failed cells."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import AnovaRM

from analysis.stats.contrasts import contrast, factorial, ladder, of_cells

SQUARE = {f"{a}-{b}": {"net.lrn": a, "net.dropout": b} for a in (False, True) for b in (0.0, 0.5)}
BASELINE = "False-0.0"
# Y = 10, LRN alone -2, dropout alone -3, together -4: main -1.5 and -2.5, interaction +1
CELLS = {"False-0.0": 10.0, "True-0.0": 8.0, "False-0.5": 7.0, "True-0.5": 6.0}
GRID = {f"{order}{depth}": {"net.order": order, "net.name": depth} for order in "abc" for depth in (20, 56, 110)}


def long(errors: dict[str, dict[int, float]], levels: dict[str, dict[str, object]]) -> pd.DataFrame:
    rows = [
        {"seed": seed, "error": error, **dict(zip("ab", map(str, levels[variant].values()), strict=True))}
        for variant, by_seed in errors.items()
        for seed, error in by_seed.items()
    ]
    return pd.DataFrame(rows)


def random_errors(levels: dict[str, dict[str, object]], seed: int, n: int) -> dict[str, dict[int, float]]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(8, 0.5, n)
    return {name: dict(enumerate(shared + rng.normal(i % 3, 0.3, n))) for i, name in enumerate(levels)}


def test_a_two_by_two_by_hand():
    effects = {effect.label: of_cells(effect, CELLS) for effect in factorial(SQUARE, BASELINE)}
    assert effects == pytest.approx(
        {
            "lrn True against False": -1.5,
            "dropout 0.5 against 0.0": -2.5,
            "lrn True × dropout 0.5": 1.0,
            "lrn True against False, at dropout 0.0": -2.0,
            "lrn True against False, at dropout 0.5": -1.0,
            "dropout 0.5 against 0.0, at lrn False": -3.0,
            "dropout 0.5 against 0.0, at lrn True": -2.0,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_squared_t_is_the_f_of_repeated_measures(seed):
    errors = random_errors(SQUARE, seed, 4)
    theirs = AnovaRM(long(errors, SQUARE), "error", "seed", within=["a", "b"]).fit().anova_table
    ours = [contrast(effect, errors) for effect in factorial(SQUARE, BASELINE)[:3]]
    for difference, source in zip(ours, ("a", "b", "a:b"), strict=True):
        assert (difference.mean / difference.std * math.sqrt(4)) ** 2 == pytest.approx(theirs.loc[source, "F Value"])
        assert difference.p == pytest.approx(theirs.loc[source, "Pr > F"])


def test_three_by_three_is_least_squares_with_a_term_a_seed():
    errors = random_errors(GRID, 7, 3)
    frame = long(errors, GRID)
    fit = ols("error ~ C(seed) + C(a, Treatment('a')) * C(b, Treatment('20'))", frame).fit().params
    additive = ols("error ~ C(seed) + C(a, Treatment('a')) + C(b, Treatment('20'))", frame).fit().params
    found = {effect.label: contrast(effect, errors).mean for effect in factorial(GRID, "a20")}
    for a in "bc":
        assert found[f"order {a} against a"] == pytest.approx(additive[f"C(a, Treatment('a'))[T.{a}]"])
        for b in (56, 110):
            term = f"C(a, Treatment('a'))[T.{a}]:C(b, Treatment('20'))[T.{b}]"
            assert found[f"order {a} × name {b}"] == pytest.approx(fit[term])


def test_three_factors_average_over_the_third():
    levels = {f"{a}{b}{c}": {"x.a": a, "x.b": b, "x.c": c} for a in (0, 1) for b in (0, 1) for c in (0, 1)}
    cells = {name: 5.0 + 2 * v["x.a"] + v["x.a"] * v["x.b"] + 4 * v["x.a"] * v["x.c"] for name, v in levels.items()}
    effects = {effect.label: of_cells(effect, cells) for effect in factorial(levels, "000")}
    assert effects == pytest.approx(
        {
            "a 1 against 0": 2 + 0.5 + 2,
            "b 1 against 0": 0.5,
            "c 1 against 0": 2.0,
            "a 1 × b 1": 1.0,
            "a 1 × c 1": 4.0,
            "b 1 × c 1": 0.0,
        }
    )


def test_paths_that_change_together_are_one_factor():
    levels = {name: {**level, "recipe.flip": level["net.lrn"]} for name, level in SQUARE.items()}
    assert [e.weights for e in factorial(levels, BASELINE)] == [e.weights for e in factorial(SQUARE, BASELINE)]


def test_a_cross_that_lacks_a_cell_is_refused():
    with pytest.raises(ValueError, match="3 variants are no full cross of 2 x 2"):
        factorial({name: SQUARE[name] for name in list(SQUARE)[:3]}, BASELINE)


def test_a_seed_that_failed_in_one_cell_is_in_no_contrast_of_it():
    errors = random_errors(SQUARE, 1, 4)
    whole = {effect.label: contrast(effect, errors).n for effect in factorial(SQUARE, BASELINE)}
    del errors["True-0.5"][2]
    left = {effect.label: contrast(effect, errors).n for effect in factorial(SQUARE, BASELINE)}
    assert set(whole.values()) == {4}
    assert left["lrn True × dropout 0.5"] == 3
    assert left["lrn True against False, at dropout 0.0"] == 4
    errors["True-0.5"] = {}
    assert math.isnan(contrast(factorial(SQUARE, BASELINE)[0], errors).mean)


def test_a_ladder_is_each_rung_against_the_one_before():
    steps = ladder(["base", "smoothing", "norm"], {"smoothing": "label smoothing", "norm": "BN in the head"})
    assert [step.label for step in steps] == ["+ label smoothing", "+ BN in the head"]
    assert [of_cells(step, {"base": 23.1, "smoothing": 22.8, "norm": 21.6}) for step in steps] == pytest.approx(
        [-0.3, -1.2]
    )
    assert math.isnan(of_cells(steps[1], {"base": 23.1, "smoothing": 22.8}))
