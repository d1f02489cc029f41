"""Which test images the runs of a study get wrong, from the bits in their logs."""

import numpy as np
import pytest

from analysis.logs.wrong_images import KEY, packed
from analysis.output import report
from analysis.output.images import shown
from analysis.output.render import to_markdown
from analysis.results.findings import Findings
from analysis.schema import Thumbnail
from analysis.stats.image_noise import spread, standard_errors

BITS = {  # ten images; image 7 is wrong for one variant alone, image 2 for the other alone
    "original": ["1110000000", "0110000000", "1010000000"],
    "full_preact": ["1100000100", "1000000100", "0100000100"],
}


def array(name: str) -> np.ndarray:
    return np.array([[c == "1" for c in text] for text in BITS[name]])


@pytest.fixture
def runs(ablation_runs):
    """Three seeds of two variants with their bits, as the logs give them."""
    errors = {name: dict(enumerate((10 * array(name).sum(1)).tolist())) for name in BITS}
    frame = ablation_runs(errors, data__name="digits")
    return frame.assign(**{f"summary.{KEY}": [packed(row) for name in BITS for row in array(name)]})


def test_spread_and_standard_errors_are_those_of_the_bits(runs):
    table = Findings.from_frames(runs).noise
    assert list(table.index) == list(BITS)
    for name in BITS:
        row, found = table.loc[name], spread(array(name))
        assert (row["runs"], row["images"], row["std"]) == (3, 10, pytest.approx(found.observed))
        assert (row["finite"], row["true"]) == pytest.approx((found.finite, found.true))
    errors = standard_errors(array("original"), array("full_preact"))
    row = table.loc["full_preact"]
    assert (row["difference"], row["pairs"]) == (pytest.approx(errors.mean), 3)
    assert (row["seeds_error"], row["images_error"], row["both_error"]) == pytest.approx(
        (errors.seeds, errors.images, errors.both)
    )
    findings = Findings.from_frames(runs)
    assert row["difference"] == pytest.approx(findings.variants.at["full_preact", "difference"])
    assert "(Jordan 2023, arXiv 2304.01910)" in to_markdown(findings.noise)


def test_the_images_on_which_two_variants_disagree_most(runs):
    (found,) = Findings.from_frames(runs).disagreements
    assert (found.label, found.baseline, found.runs, found.opposite) == ("full pre-activation", "original", 3, 2)
    assert [(image.index, image.variant, image.baseline) for image in found.images] == [(2, 0, 3), (7, 3, 0)]
    assert shown((found,)) == [2, 7]


def test_the_report_shows_them_with_pictures_where_it_is_given_some(runs):
    findings = Findings.from_frames(runs)
    bare = report.to_html(findings, {})
    assert "image 7<br>wrong in 3 of 3 runs, of the baseline in 0" in bare
    assert "data:image/png" not in bare
    with_pictures = report.to_html(findings, {}, {7: Thumbnail("4", b"png")})
    assert "image 7, class 4<br>" in with_pictures
    assert with_pictures.count("data:image/png;base64,cG5n") == 1


def test_logs_without_bits_another_metric_and_failed_runs(runs, ablation_runs):
    plain = Findings.from_frames(ablation_runs({"original": {0: 6.0, 1: 6.1}}))
    assert (len(plain.noise), plain.disagreements) == (0, ())
    assert "Test images" not in report.to_html(plain, {})
    other = runs.assign(**{"summary.test/ece": 1.0})
    assert Findings.from_frames(other, metric="ece").noise.empty
    old = runs.assign(**{f"summary.{KEY}": [*runs[f"summary.{KEY}"][:5], None]})
    assert Findings.from_frames(old).noise["runs"].tolist() == [3, 2]
    longer = runs.assign(**{f"summary.{KEY}": [*runs[f"summary.{KEY}"][:5], packed(np.ones(11, dtype=bool))]})
    assert Findings.from_frames(longer).noise["runs"].tolist() == [3, 2]
