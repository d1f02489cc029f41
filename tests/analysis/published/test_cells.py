"""published.csv against the tables as He et al. 2016 and 2015 print them."""

from __future__ import annotations

import math

import pytest

from analysis.published import cells
from analysis.published.cells import PublishedError

FAIL = math.nan
TABLE_1 = {
    "original": 6.61,
    "scaled_0_1": FAIL,
    "scaled_0.5_1": FAIL,
    "scaled_0.5_0.5": 12.35,
    "exclusive_gate_b0": FAIL,
    "exclusive_gate_b-1": FAIL,
    "exclusive_gate_b-2": FAIL,
    "exclusive_gate_b-3": FAIL,
    "exclusive_gate_b-4": FAIL,
    "exclusive_gate_b-5": FAIL,
    "exclusive_gate_b-6": 8.70,
    "exclusive_gate_b-7": 9.81,
    "shortcut_gate_b0": 12.86,
    "shortcut_gate_b-6": 6.91,
    "conv1x1": 12.22,
    "dropout": FAIL,
}
TABLE_2 = {
    "original": (6.61, 5.93),
    "bn_after_add": (8.17, 6.50),
    "relu_before_add": (7.84, 6.14),
    "relu_only_preact": (6.71, 5.91),
    "full_preact": (6.37, 5.46),
}
TABLE_3 = {
    ("resnet110_1layer", "cifar10"): (9.90, 8.91),
    ("resnet110", "cifar10"): (6.61, 6.37),
    ("resnet164", "cifar10"): (5.93, 5.46),
    ("resnet1001", "cifar10"): (7.61, 4.92),
    ("resnet164", "cifar100"): (25.16, 24.33),
    ("resnet1001", "cifar100"): (27.82, 22.71),
}


def values(table: str, net: str, dataset: str) -> dict[str, float]:
    found = cells.cells(table, net, dataset)
    return dict(zip(found["variant"], found["value"], strict=True))


def test_table_1_with_fail_as_failed_and_no_number():
    found = cells.cells("he2016_table1", "resnet110")
    assert values("he2016_table1", "resnet110", "cifar10") == pytest.approx(TABLE_1, nan_ok=True)
    assert set(found.loc[found["failed"], "variant"]) == {name for name, value in TABLE_1.items() if math.isnan(value)}


def test_table_2():
    for column, net in enumerate(("resnet110", "resnet164")):
        printed = {name: row[column] for name, row in TABLE_2.items()}
        assert values("he2016_table2", net, "cifar10") == printed
        assert list(values("he2016_table2", net, "cifar10")) == list(printed)  # in the paper's order


@pytest.mark.parametrize("setting", TABLE_3)
def test_table_3_names_order_and_depth(setting: tuple[str, str]):
    depth = setting[0].removeprefix("resnet")
    printed = dict(zip((f"original{depth}", f"full_preact{depth}"), TABLE_3[setting], strict=True))
    assert values("he2016_table3", *setting) == printed


def test_every_number_of_2016_is_a_median_of_5_in_percent():
    found = cells.all_cells()
    of_2016 = found[found["table"].str.startswith("he2016")]
    assert set(zip(of_2016["statistic"], of_2016["n"], of_2016["unit"], strict=True)) == {("median", 5, "%")}


def test_661_is_the_mean_in_2015_and_the_typical_cell_is_it_not_the_best():
    found = cells.cells("he2015_table6", "resnet110")
    found = found[found["variant"] == "residual110"]
    assert dict(zip(found["statistic"], found["value"], strict=True)) == {"best": 6.43, "mean": 6.61, "std": 0.16}
    typical = cells.typical(found)
    assert (typical.loc["residual110", "statistic"], typical.loc["residual110", "value"]) == ("mean", 6.61)


def test_a_cell_stands_in_the_file_once():
    found = cells.all_cells()
    assert not found.duplicated(["table", "variant", "net", "dataset", "metric", "statistic"]).any()


def test_an_unconfirmed_row_keeps_its_mark(tmp_path):
    lines = cells.CSV.read_text().splitlines()
    planted = tmp_path / "published.csv"
    planted.write_text("\n".join([lines[0], lines[1], lines[2].replace(",yes,", ",no,")]))
    assert list(cells.all_cells(planted)["confirmed"]) == [True, False]


def test_without_a_data_set_the_first_of_the_table_is_meant():
    assert set(cells.cells("he2016_table3", "resnet164")["dataset"]) == {"cifar10"}


def test_an_unknown_table_lists_the_known_and_an_unknown_net_has_no_cells():
    with pytest.raises(PublishedError, match="no published table 'he2016_table9'; choose from he2016_table1"):
        cells.cells("he2016_table9", "resnet110")
    assert cells.cells("he2016_table2", "resnet8").empty


def test_titles_are_the_papers_spelling():
    assert [cells.title(name) for name in ("resnet110", "cifar10", "digits")] == [
        "ResNet-110",
        "CIFAR-10",
        "digits",
    ]
