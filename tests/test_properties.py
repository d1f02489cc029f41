"""What holds for any spec, name, schedule and set of numbers, drawn at random."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import astuple

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

import nets
from analysis.stats.paired import difference_of, holm, paired_difference, summarise
from experiments.ablation import Ablation, Profile, Variant, check_ablation
from experiments.seeding import stream_seed
from experiments.spec import NetSpec, Recipe, RunSpec, SpecError, flatten, nested, non_default, with_changes
from experiments.training.schedule import SCHEDULES, learning_rate, warmup_steps

settings.register_profile("bench", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("bench")

shares = st.floats(0.01, 0.99).map(lambda share: round(share, 4))
errors = st.floats(0, 100).map(lambda error: round(error, 2))
recipes = st.builds(
    Recipe,
    iterations=st.integers(1, 100_000),
    batch_size=st.integers(1, 4096),
    learning_rate=st.floats(1e-6, 10),
    milestones=st.lists(shares, max_size=4, unique=True).map(lambda found: tuple(sorted(found))),
    gamma=st.floats(0.01, 1.0),
    warmup=st.floats(0, 0.5),
    warmup_factor=st.floats(0.01, 1.0),
    schedule=st.sampled_from(sorted(SCHEDULES)),
    flip=st.booleans(),
)
specs = st.builds(
    RunSpec,
    net=st.builds(
        NetSpec,
        st.sampled_from(["resnet20", "resnet110"]),
        st.dictionaries(st.just("order"), st.sampled_from(["original", "full_preact", "relu_only_preact"]), max_size=1),
    ),
    recipe=recipes,
    seed=st.integers(0, 10_000),
    threads=st.integers(1, 64),
)


@given(specs)
def test_a_spec_survives_json_and_its_own_flat_form(spec):
    assert json.loads(json.dumps(nested(spec))) == nested(spec)
    again = with_changes(RunSpec(net=NetSpec(spec.net.name)), non_default(spec) | {"seed": spec.seed})
    assert flatten(again) == flatten(spec) | {"recipe.milestones": list(spec.recipe.milestones)}
    assert (again.hash8, again.run_id) == (spec.hash8, spec.run_id)


@given(specs, specs)
def test_equal_hashes_are_equal_specs(one, two):
    same = {k: v for k, v in flatten(one).items() if k != "seed"} == {
        k: v for k, v in flatten(two).items() if k != "seed"
    }
    assert (one.hash8 == two.hash8) == same
    assert (one.run_id == two.run_id) == (same and one.seed == two.seed)


@given(specs, st.randoms(use_true_random=False))
def test_a_hash_knows_no_order(spec, order):
    changes = list(non_default(spec).items())
    order.shuffle(changes)
    assert with_changes(RunSpec(net=NetSpec(spec.net.name)), dict(changes)).hash8 == spec.hash8


@given(st.text(max_size=12))
def test_a_name_is_a_folder_or_refused_in_one_line(name):
    ablation = Ablation(
        name=name,
        question="",
        factors=("net.order",),
        baseline="a",
        base=RunSpec(net=NetSpec("resnet20")),
        variants=(Variant("a", "a", {}), Variant("b", "b", {"net.order": "full_preact"})),
        profiles={"smoke": Profile(seeds=1)},
    )
    fits = bool(name) and all(c.isalnum() or c in "_.-" for c in name) and name[0] not in ".-"
    with (
        contextlib.nullcontext() if fits else pytest.raises(SpecError, match=r"\A[^\n]* is not a valid name: [^\n]*\Z")
    ):
        check_ablation(ablation)


@given(st.text(max_size=20))
def test_a_net_of_any_name_is_built_or_refused_with_the_right_ones(name):
    assume(name not in nets.names())
    with pytest.raises(ValueError, match="choose from resnet8"):
        nets.options_of(name)


@given(recipes, st.floats(0, 1))
def test_a_rate_is_a_number_between_nothing_and_its_largest(recipe, place):
    step = min(recipe.iterations - 1, int(place * recipe.iterations))
    rate = learning_rate(step, recipe)
    assert math.isfinite(rate)
    assert 0 <= rate <= recipe.learning_rate * (1 + 1e-9)
    assert rate == learning_rate(step, recipe)


@given(recipes)
def test_after_the_warm_up_milestones_only_lower_the_rate(recipe):
    recipe = Recipe(**{**vars(recipe), "schedule": "milestones"})
    begin = warmup_steps(recipe)
    steps = sorted({min(recipe.iterations - 1, begin + k * max(1, recipe.iterations // 50)) for k in range(50)})
    rates = [learning_rate(step, recipe) for step in steps if step >= begin]
    assert rates == sorted(rates, reverse=True)


@given(st.integers(0, 10**6), st.text(max_size=8), st.integers(0, 10**6))
def test_streams_are_63_bits_and_depend_on_every_part_of_their_name(seed, purpose, epoch):
    found = stream_seed(seed, purpose, epoch)
    assert 0 <= found < 2**63
    assert len({found, stream_seed(seed + 1, purpose, epoch), stream_seed(seed, purpose, epoch + 1)}) == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels_holm(p_values):
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


@given(st.dictionaries(st.integers(0, 30), errors, min_size=2), st.dictionaries(st.integers(0, 30), errors, min_size=2))
def test_a_paired_difference_changes_its_sign_with_its_sides(one, two):
    forth, back = paired_difference(one, two), paired_difference(two, one)
    assert forth.n == back.n == len(one.keys() & two.keys())
    if forth.n and not math.isnan(forth.low):
        assert (forth.mean, forth.low, forth.high) == pytest.approx((-back.mean, -back.high, -back.low))
        assert forth.p == pytest.approx(back.p)
        assert (forth.p < 0.05) == forth.decided or abs(forth.p - 0.05) < 1e-9


@given(st.lists(errors, min_size=2, max_size=20))
def test_an_interval_is_scipys(taken):
    assume(np.ptp(taken) > 1e-6)
    found = difference_of(taken)
    expected = scipy.stats.ttest_1samp(taken, 0.0)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue), abs=1e-9)


@given(st.lists(errors, max_size=12), st.integers(0, 6), st.randoms(use_true_random=False))
def test_a_summary_knows_no_order_and_failures_never_help(found, failed, order):
    shuffled = list(found)
    order.shuffle(shuffled)
    assert astuple(summarise(found, failed)) == pytest.approx(astuple(summarise(shuffled, failed)), nan_ok=True)
    one_more = summarise(found, failed + 1)
    if not math.isnan(one_more.median):
        assert one_more.median >= summarise(found, failed).median
