"""Two studies, paired by variant and seed: numbers by hand and by SciPy, what differs, and what cannot be compared."""

import math

import pytest
import scipy.stats

from analysis.output.comparison import html_page, markdown_text, paired_dots, write
from analysis.results.comparison import Changed, compare
from analysis.study import Study, TableError

A = {"original": {0: 6.5, 1: 6.6, 2: 6.7, 3: 6.9}, "full_preact": {0: 6.3, 1: 6.5, 2: 6.4, 3: 6.5}}
B = {"original": {0: 6.0, 1: 6.3, 2: 6.2, 4: 6.0}, "full_preact": {0: 6.1, 1: 6.2, 2: 6.4}, "bn_after_add": {0: 8.0}}


@pytest.fixture
def studies(ablation_runs):
    """`studies(a, b, changed_in_b)`: both built as `logs.load` gives their runs."""

    def pair(a=None, b=None, metric="error", **changed):
        return (
            Study.from_frames(ablation_runs(A if a is None else a), metric=metric),
            Study.from_frames(ablation_runs(B if b is None else b, **changed), metric=metric),
        )

    return pair


def test_variants_are_paired_by_seed_and_judged_by_student_and_bonferroni(studies):
    table = compare(*studies()).variants
    assert list(table.index) == ["original", "full_preact", "all variants"]
    by_hand = {"original": [-0.5, -0.3, -0.5], "full_preact": [-0.2, -0.3, 0.0]}
    tests = {name: scipy.stats.ttest_1samp(values, 0) for name, values in by_hand.items()}
    for name, values in by_hand.items():
        row, interval = table.loc[name], tests[name].confidence_interval(1 - 0.05 / 5)  # five variants are declared
        assert (row["difference"], row["pairs"]) == (pytest.approx(sum(values) / 3), 3)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert table["p_adjusted"].tolist()[:2] == pytest.approx([min(1, 5 * tests[name].pvalue) for name in by_hand])
    assert table["reading"].tolist() == ["no difference shown", "no difference shown", "better"]
    assert (table.at["original", "a"], table.at["original", "b"]) == pytest.approx((6.65, 6.1))
    whole = scipy.stats.ttest_1samp([-0.35, -0.3, -0.25], 0)
    assert table.at["all variants", "difference"] == pytest.approx(-0.3)
    assert table.at["all variants", "p_adjusted"] == pytest.approx(whole.pvalue)


def test_whether_the_effect_of_a_variant_changes(studies):
    """Seeds 0, 1, 2: full - original is -0.2, -0.1, -0.3 in A (and -0.4 of seed 3) and 0.1, -0.1, 0.2 in B."""
    table = compare(*studies()).effects
    assert list(table.index) == ["full_preact"]
    row = table.loc["full_preact"]
    assert (row["a"], row["b"]) == pytest.approx((-0.25, 0.2 / 3))
    expected = scipy.stats.ttest_1samp([0.3, 0.0, 0.5], 0)
    assert (row["change"], row["pairs"], row["p_adjusted"]) == pytest.approx((0.8 / 3, 3, min(1, 4 * expected.pvalue)))
    assert row["reading"] == "no difference shown"


def test_what_differs_in_settings_and_environment(studies):
    a, b = studies(recipe__learning_rate=0.05, env__commit="b7")
    a.counted["config.env.commit"] = "a3"
    comparison = compare(a, b)
    assert comparison.settings == (Changed("recipe.learning_rate", "0.1", "0.05"),)
    assert comparison.environment == (Changed("env.commit", "a3", "b7"),)
    assert "config.net.order" in a.counted  # the factor: different from variant to variant, alike in A and B


def test_the_same_study_twice_differs_in_nothing(studies):
    comparison = compare(*studies(b=A))
    assert (comparison.settings, comparison.environment, comparison.problems) == ((), (), ())
    assert comparison.variants["difference"].tolist() == [0, 0, 0]
    assert set(comparison.variants["reading"]) == {"no difference shown"}


def test_what_is_not_paired_is_said(studies):
    assert compare(*studies()).problems == (
        "only B has bn_after_add",
        "original: A has seeds 0, 1, 2, 3; B has 0, 1, 2, 4; only equal seeds are paired",
        "full_preact: A has seeds 0, 1, 2, 3; B has 0, 1, 2; only equal seeds are paired",
    )


def test_failed_runs_are_in_no_pair_but_counted_and_tested(studies):
    a = {"original": dict.fromkeys(range(4), 6.0)}
    b = {"original": dict.fromkeys(range(4), None)}
    comparison = compare(*studies(a, b))
    row = comparison.variants.loc["original"]
    assert (row["failed_a"], row["failed_b"], row["pairs"], row["reading"]) == (0, 4, 0, "no seed in both")
    assert row["failures_p"] == pytest.approx(scipy.stats.barnard_exact([[0, 4], [4, 0]]).pvalue)
    text = markdown_text(comparison, ("a", "b"))
    assert "| original | 6.00 | fail | 4, 0 | 0, 4 |" in text
    assert "A and B fail unequally often beyond chance (Barnard's test at 5 %): original." in text


def test_higher_is_better_where_the_metric_says_so(ablation_runs):
    made = [ablation_runs(values).rename(columns={"summary.test/error": "summary.test/macro_f1"}) for values in (A, B)]
    comparison = compare(*(Study.from_frames(runs, metric="macro_f1") for runs in made))
    assert comparison.variants.at["all variants", "reading"] == "worse"


def test_what_cannot_be_compared(studies, ablation_runs):
    with pytest.raises(TableError, match=r"^A is of the ablation resnet_preact, B of mine; give two of one ablation$"):
        compare(*studies(ablation__name="mine"))
    with pytest.raises(TableError, match=r"^A and B share no variant: A has original; B has full_preact$"):
        compare(*studies({"original": {0: 6.0}}, {"full_preact": {0: 6.0}}))
    mixed = ablation_runs(B)
    mixed.loc[1, "config.recipe.learning_rate"] = 0.3
    with pytest.raises(TableError, match=r"the runs differ in recipe\.learning_rate, which is not the factor"):
        compare(studies()[0], Study.from_frames(mixed))


def test_page_and_text_hold_the_same_and_text_from_logs_is_escaped(studies, tmp_path):
    comparison = compare(*studies(data__name="<script>alert(1)</script>"))
    paths = write(comparison, ("runs_a", "runs_b"), tmp_path)
    assert {path.name for path in paths} == {
        "comparison.html", "comparison.md", "comparison_variants.csv", "comparison_effects.csv"
    }  # fmt: skip
    page, text = html_page(comparison, ("runs_a", "runs_b")), (tmp_path / "comparison.md").read_text()
    for number in ("−0.43 [−1.09, +0.23]", "−0.30 [−0.42, −0.18]"):
        assert number in page
        assert number in text
    assert "<script>alert" not in page + text
    for outside in ("http:", "https:", 'src="/', '<link rel="stylesheet'):
        assert outside not in page.replace("http://www.w3.org", "")


def test_the_figure_joins_the_seeds_that_both_have(studies):
    axes = paired_dots(compare(*studies())).axes[0]
    joined = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_color() == "0.75"]
    assert [tuple(line.get_xdata()) for line in joined[:3]] == [(6.5, 6.0), (6.6, 6.3), (6.7, 6.2)]
    assert len(joined) == 6


def test_a_variant_that_one_study_lacks_has_no_median_of_nothing(studies):
    table = compare(*studies()).variants
    assert not any(math.isnan(value) for value in table.loc[["original", "full_preact"], ["a", "b"]].to_numpy().flat)
