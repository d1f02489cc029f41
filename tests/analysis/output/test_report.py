"""The report as a file: whole, self-contained, escaped, bounded, and with everything that the logs say."""

import json
from html.parser import HTMLParser

import pytest

from analysis.output import figures, report
from analysis.output.report_parts import CAPTIONS
from analysis.results.findings import Findings
from tests.analysis.example import ERRORS as EXAMPLE

ERRORS = EXAMPLE | {"relu_before_add": {0: 6.6, 1: 6.5, 2: None}}
VOID = {"meta", "link", "br", "img", "input"}
REFERRING = {"src", "href", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """Elements in order as (tag, attributes, text within); raises where a tag is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2].append(data)

    def texts(self, tag, **attributes):
        wanted = attributes.items()
        return ["".join(text).strip() for name, has, text in self.elements if name == tag and wanted <= has.items()]

    def after(self, heading, tag):
        """Texts of the elements with this tag between the heading of this id and the next heading."""
        start = next(i for i, element in enumerate(self.elements) if element[1].get("id") == heading)
        found = []
        for name, _, text in self.elements[start + 1 :]:
            if name in ("h2", "h3"):
                break
            found += ["".join(text).strip()] if name == tag else []
        return found


@pytest.fixture
def page_of(ablation_history):
    def make(runs, pictures=None):
        return Page(report.to_html(Findings.from_frames(runs, ablation_history(runs)), pictures or {}))

    return make


@pytest.fixture
def drawn(ablation_runs, ablation_history, tmp_path):
    """Runs and the SVG files of their figures."""
    runs = ablation_runs(ERRORS)
    every = figures.all_figures(runs, ablation_history(runs))
    return runs, {name: figures.save(figure, tmp_path, name)[1] for name, figure in every.items()}


def test_nothing_refers_to_anything_outside_the_page(drawn, page_of):
    runs, pictures = drawn
    page = page_of(runs, pictures)
    found = [value for _, has, _ in page.elements for key, value in has.items() if key in REFERRING]
    assert len(found) > len(pictures)
    assert [value[:5] for value in found if not value.startswith(("data:", "#"))] == []
    ids = [has["id"] for _, has, _ in page.elements if "id" in has]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in found if value.startswith("#")} <= set(ids)
    assert "url(" not in "".join(page.texts("style"))
    assert "@import" not in "".join(page.texts("style"))
    (policy,) = [has["content"] for tag, has, _ in page.elements if has.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy


def test_a_figure_has_its_caption_and_one_that_is_not_there_has_none(drawn, page_of):
    runs, pictures = drawn
    assert set(CAPTIONS) == set(figures.FIGURES)
    assert {"training_curves", "seeds"} <= set(pictures) < set(CAPTIONS)
    captions = page_of(runs, pictures).texts("figcaption")
    assert [caption.split()[-1] for caption in captions] == list(pictures)
    assert [caption.rpartition(" ")[0] for caption in captions] == [
        CAPTIONS[name].format(metric="test error") for name in pictures
    ]


def test_every_run_stands_in_it_once_with_its_outcome(ablation_runs, page_of):
    runs = ablation_runs(ERRORS)
    page = page_of(runs)
    assert sorted(page.after("runs", "th")[7:]) == sorted(runs["name"])
    rows = page.after("runs", "tr")
    assert sum("diverged" in row for row in rows) == 1
    assert sum("net.order = bn_after_add" in row for row in rows) == 3
    assert not [row for row in rows if "data.name" in row]  # the same in all runs: no difference


def test_every_number_of_the_table(ablation_runs, page_of):
    cells = page_of(ablation_runs(ERRORS)).after("table", "td")
    for number in ("6.61", "8.17", "8.60", "8.60 ± 1.10", "+0.43", "+2.00 [−3.12, +7.12]", "−0.30 [−0.81, +0.21]"):
        assert number in cells  # t(1 - 0.05 / 8, 2) = 8.860: 2 ± 8.860 / sqrt(3), 0.3 ± 0.886 / sqrt(3)


def test_the_verdict_comes_first_and_in_words(ablation_runs, page_of):
    page = page_of(ablation_runs(ERRORS | {"relu_only_preact": {0: 6.3, 1: 6.42, 2: 6.48}}))
    (said,) = page.texts("p", id="headline")
    # Paper: 8.17, 7.84, 6.71 and 6.37 against 6.61. Ours: 1 to 3 worse, undecided; 2 pairs; 0.2 better; 0.3 better.
    assert said == "Of the paper's 4 claims about original, 1 is contradicted and 3 are undecided."
    assert page.after("verdict", "p").count(said) == 1
    assert page.texts("span") == ["undecided", "undecided", "contradicted", "undecided"]
    headings = page.texts("h2")
    assert headings[:3] == ["Verdict", "Table", "Learning curves"]


def test_without_published_cells_nothing_is_claimed(ablation_runs, page_of):
    page = page_of(ablation_runs(ERRORS, ablation__published=None))
    assert len(page.texts("p", id="headline")) == 1
    assert page.texts("span") == ["undecided"] * 4


def test_deviations_are_numbered_and_versions_said_once(ablation_runs, page_of):
    deviations = [{"what": f"thing {i}", "paper": f"theirs {i}", "ours": f"own {i}"} for i in range(3)]
    runs = ablation_runs(
        ERRORS,
        ablation__deviations=deviations,
        ablation__fixed=["the recipe"],
        env__device="A CPU",
        env__python="3.11.7",
    )
    page = page_of(runs)
    items = page.after("deviations", "li")
    assert items == [f"thing {i}. Paper: theirs {i}. Here: own {i}." for i in range(3)]
    assert len(page.after("deviations", "ol")) == 1
    assert "the recipe" in page.after("plan", "li")
    names = page.after("versions", "dt")
    assert (sorted(names), len(set(names))) == (["hardware", "python", "trained on"], 3)


def test_a_ladder_has_its_steps_and_a_target_its_times(ablation_runs, page_of):
    steps = [None, "a", "b", "c", "d"]
    page = page_of(
        ablation_runs(ERRORS, ablation__kind="ladder", ablation__steps=steps, ablation__target_train_error=15.0)
    )
    assert page.texts("h3") == ["Step by step", "Time to a training error of 15 %"]
    assert page.after("effects", "th")[-4:] == ["+ a", "+ b", "+ c", "+ d"]
    assert "+2.00 [−3.12, +7.12]" in page.after("effects", "td")
    assert len(page.after("times", "tr")) == 6
    assert not page_of(ablation_runs(ERRORS)).texts("h3")


def test_text_from_the_logs_is_escaped(ablation_runs, page_of):
    evil = "</script><script>alert(1)</script><!--"
    labels = [evil, "b & c", "<b>", "d", "e"]
    deviation = {"what": evil, "paper": evil, "ours": evil}
    runs = ablation_runs(ERRORS, ablation__labels=labels, ablation__question=evil, ablation__deviations=[deviation])
    runs = runs.assign(name=evil, source=evil, damage=[[evil]] * len(runs))
    page = page_of(runs)
    curves, code = page.texts("script")
    assert "alert" not in code
    assert json.loads(curves)["variants"][0]["label"] == evil
    assert page.texts("h1") == [evil]
    assert page.after("runs", "th")[7:] == [evil] * len(runs)
    assert not page.texts("b")


def test_damaged_unfinished_and_lost_runs_are_shown(ablation_runs, page_of):
    runs = ablation_runs(ERRORS)
    runs.at[0, "damage"] = ["run.wandb: damaged at byte 77"]
    runs.loc[1, "outcome"] = "unfinished"
    page = page_of(runs)
    rows = page.after("runs", "tr")
    assert "finished, log damaged" in rows[1]
    assert "unfinished" in rows[2]
    assert any("byte 77" in line for line in page.after("problems", "li"))
    assert page.texts("a", href="#problems")[0].startswith(f"{len(page.after('problems', 'li'))} problems")
    assert "problems" not in [has.get("id") for _, has, _ in page_of(ablation_runs(ERRORS)).elements]


@pytest.mark.parametrize("outcome", ["diverged", "crashed"])
def test_a_page_of_runs_that_all_failed(ablation_runs, ablation_history, page_of, outcome):
    runs = ablation_runs({name: {0: None, 1: None} for name in ERRORS})
    runs["outcome"] = outcome
    page = page_of(runs)
    assert len(page.after("runs", "tr")) == 11
    assert ("fail" if outcome == "diverged" else "0") in page.after("table", "td")
    drawn = json.loads(page.texts("script")[0])["variants"]
    assert len(drawn) == (5 if outcome == "diverged" else 0)


def test_many_runs_are_counted_not_listed(ablation_runs, page_of, monkeypatch):
    monkeypatch.setattr(report, "MOST_RUNS", 4)
    monkeypatch.setattr(report, "MOST_PROBLEMS", 1)
    runs = ablation_runs(ERRORS)
    runs["damage"] = [["damaged"]] * len(runs)
    page = page_of(runs)
    assert len(page.after("runs", "tr")) == 5
    assert any(text.startswith("and 11 more runs") for text in page.after("runs", "p"))
    assert len(page.after("problems", "li")) == 1
    assert any(text.startswith("and 14 more") for text in page.after("problems", "p"))
