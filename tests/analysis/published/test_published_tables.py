"""The tables behind the other ablations, as their papers print them; what counts as a counterpart."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.published import cells
from analysis.results.protocol import protocol
from analysis.study import Study

# Top-1 errors in percent; Howard et al. print accuracies.
PRINTED = {
    ("he2015_table3", "resnet34", "imagenet"): {"A": 25.03, "B": 24.52, "C": 24.19, "plain": 28.54},
    ("szegedy2015_table3", None, "imagenet"): {
        "googlenet": 29.0, "bn_googlenet": 26.8, "bn_inception": 25.2, "inception_v2": 23.4, "rmsprop": 23.1,
        "label_smoothing": 22.8, "factorised_7x7": 21.6, "bn_auxiliary": 21.2,
    },
    ("szegedy2016_table2", None, "imagenet"): {
        "bn_inception": 25.2, "inception_v3": 21.2, "inception_resnet_v1": 21.3, "inception_v4": 20.0, "residual": 19.9,
    },
    ("howard2017_tables4to7", "mobilenet", "imagenet"): {
        "mobilenet": 100 - 70.6, "full": 100 - 71.7, "width_0.75": 100 - 68.4, "shallow": 100 - 65.3,
        "width_0.5": 100 - 63.7, "width_0.25": 100 - 50.6, "resolution_192": 100 - 69.1, "resolution_160": 100 - 67.2,
        "resolution_128": 100 - 64.4, "width_0.5_resolution_160": 100 - 60.2,
    },
    ("huang2017_table2", "densenet100", "cifar10"): {"densenet100_12": 4.10, "densenet100_24": 3.74},
    ("huang2017_table2", "densenet_bc190", "cifar100"): {"bc190_40": 17.18},
    ("srivastava_highway", "resnet110", "cifar10"): {"residual": 6.25, "highway": 6.04},  # last epoch, not best
    ("krizhevsky2012_cifar", "alexnet_cifar", "cifar10"): {"neither": 13.0, "lrn": 11.0, "lrn_third_party": 11.11},
    ("mnist_lectures", "lenet5", "mnist"): {"lenet5": 0.95},
}  # fmt: skip


@pytest.mark.parametrize("setting", PRINTED, ids=lambda setting: setting[0])
def test_the_typical_cells_are_the_printed_ones(setting):
    found = cells.typical(cells.cells(*setting))
    assert found["value"].to_dict() == pytest.approx(PRINTED[setting])


def test_deeper_residual_nets_of_2015():
    """Table 6: 8.75, 7.51, 7.17, 6.97, 6.61 (mean of 5), 7.93."""
    found = cells.typical(cells.cells("he2015_table6", None))["value"]
    assert [found[f"residual{d}"] for d in (20, 32, 44, 56, 110, 1202)] == [8.75, 7.51, 7.17, 6.97, 6.61, 7.93]
    assert "plain110" not in found  # "above 60 %" is no error


def test_differences_are_kept_apart_from_errors():
    """Krizhevsky et al. 2012: LRN 1.4, overlapping pooling 0.4, one tower 1.7 points; Figure 1: six times."""
    said = cells.differences("krizhevsky2012_parts", ["whole", "no_lrn", "no_overlap", "one_gpu"])
    assert said.set_index("variant")["value"].to_dict() == {"one_gpu": 1.7, "no_lrn": 1.4, "no_overlap": 0.4}
    assert cells.cells("krizhevsky2012_parts", None).empty
    (ratio,) = cells.differences("krizhevsky2012_figure1", ["relu_0.01", "tanh_0.01"])["value"]
    assert ratio == 6


def test_what_is_not_run_has_no_counterpart():
    compared, others = cells.counterparts("huang2017_table2", ["bc100_12", "resnet110"])
    assert set(compared["variant"]) == {"bc100_12", "resnet110"}
    assert set(compared["dataset"]) == {"cifar10", "cifar100"}
    without = set(zip(others["variant"], others["dataset"], strict=True))
    assert ("bc100_12", "cifar10_unaugmented") in without
    assert ("bc100_12", "svhn") in without
    assert ("densenet40_12", "cifar10") in without
    assert len(compared) + len(others) == len(cells.of_table("huang2017_table2"))


def runs_of(ablation_runs, **declared) -> pd.DataFrame:
    runs = ablation_runs({"plain20": {0: 10.0}, "residual20": {0: 9.0}})
    for key, value in declared.items():
        runs[f"config.ablation.{key}"] = [value] * len(runs)
    return runs


@pytest.fixture
def depth_runs(ablation_runs):
    """Two nets of a depth ablation, the net among the factors."""
    return runs_of(
        ablation_runs, published="he2015_table6", paper_net=None, baseline="plain20",
        factors=["net.order", "net.shortcut", "net.name"], variants=["plain20", "residual20"],
        labels=["plain20", "residual20"],
    )  # fmt: skip


def test_where_the_net_is_a_factor_each_variant_has_its_own(depth_runs):
    study = Study.from_frames(depth_runs)
    assert study.paper.net == ""
    assert study.paper.by_variant["value"].to_dict() == {"residual20": 8.75}
    assert "each variant's net on CIFAR-10" in protocol(study).note


def test_a_table_that_speaks_of_no_variant_is_nothing_to_compare_with(depth_runs):
    depth_runs["config.ablation.published"] = "he2016_table3"
    study = Study.from_frames(depth_runs)
    assert study.paper.net is None
    assert protocol(study).setting is None


def test_a_factor_is_no_deviation(ablation_runs):
    runs = ablation_runs({"original": {0: 6.5}}, recipe__iterations=640)
    assert protocol(Study.from_frames(runs)).deviations == ("iterations",)
    runs["config.ablation.factors"] = [["net.order", "recipe.iterations"]] * len(runs)
    assert protocol(Study.from_frames(runs)).deviations == ()


def test_beside_another_data_set_stand_the_papers_augmented_errors():
    """Huang et al. 2017 print C10 and C10+; the recipe here augments, so C10+ is meant: 4.51, not 5.92."""
    assert cells.cells("huang2017_table2", None).set_index("variant").loc["bc100_12", "value"] == 4.51
