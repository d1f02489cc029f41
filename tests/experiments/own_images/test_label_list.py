"""Test images without class folders, as ImageNet's come, with every list of labels that goes round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from experiments.datasets import DataError, info_of
from experiments.own_images.folder import describe, listing
from experiments.own_images.label_list import DEVKIT_LIST

Save = Callable[..., Path]
CLASSES = ("n01", "n02", "n03")
KAGGLE = "ImageId,PredictionString\nval_1,n03 1 2 3 4\nval_2,n01 5 6 7 8 n01 1 1 2 2\nval_3,n03 0 0 9 9\n"


@pytest.fixture
def flat(tmp_path: Path, save: Save) -> Path:
    """Three classes; three validation images in one folder, of n03, n01 and n03."""
    describe.cache_clear()
    for label in CLASSES:
        save(f"train/{label}/a.png")
    for k in (1, 2, 3):
        save(f"val/val_{k}.png")
    save("val/.hidden.png")
    return tmp_path


def test_without_a_list_it_is_refused_with_a_hint(flat: Path) -> None:
    with pytest.raises(
        DataError, match=r"val has images but no folders for their classes; add .*/val\.txt, with IMAGE"
    ):
        listing(str(flat), None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("val.txt", "val_1.png 2\nval_3.png 2\nval_2.png 0\n"),
        ("val/val.txt", "val/val_1.png n03\nval/val_2.png n01\n\nval/val_3.png n03"),
        ("val.txt", "n03\nn01\nn03\n"),
        ("val.txt", "2\n0\n2\n"),
        ("LOC_val_solution.csv", KAGGLE),
        ("imagenet_2012_validation_synset_labels.txt", "n03\nn01\nn03"),
    ],
)
def test_every_list_gives_the_labels(flat: Path, name: str, text: str) -> None:
    (flat / name).write_text(text)
    found = listing(str(flat), None)
    assert found.test is not None
    assert {label: [Path(f.path).name for f in files] for label, files in found.test.items()} == {
        "n01": ["val_2.png"],
        "n03": ["val_1.png", "val_3.png"],
    }
    info = info_of(f"imagefolder:{flat}")
    assert (info.classes, info.train_images, info.test_images) == (3, 3, 3)
    assert info.notes == ("val/ has no images of n02", f"the labels of val/ are those in {flat / name}")


def test_the_devkits_numbers_are_those_of_its_own_table(flat: Path) -> None:
    """As in ILSVRC2012: number 1 is not the first name. Higher levels of the hierarchy are rows as well."""
    devkit = flat / "ILSVRC2012_devkit_t12" / "data"
    devkit.mkdir(parents=True)
    (devkit / DEVKIT_LIST).write_text("1\n3\n1\n")
    with pytest.raises(DataError, match=r"the devkit's own order; put the devkit's meta\.mat beside it"):
        listing(str(flat), None)
    rows = [(1, "n03", 0), (2, "n02", 0), (3, "n01", 0), (1001, "n00", 3)]
    kinds = [("ILSVRC2012_ID", object), ("WNID", object), ("num_children", object)]
    savemat(devkit / "meta.mat", {"synsets": np.array(rows, dtype=kinds)})
    found = listing(str(flat), None).test
    assert found is not None
    assert {label: len(files) for label, files in found.items()} == {"n01": 1, "n03": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("val_1.png 2\nval_2.png 0\n", r"has no label for val_3\.png$"),
        ("val_1.png 2\n", r"has no label for val_2\.png and 1 more images$"),
        ("val_1.png 2\nval_2.png 0\nval_3.png 1\nval_4.png 1\n", r"a label for val_4\.png, which is not in the folder"),
        ("val_1.png 3\nval_2.png 0\nval_3.png 1\n", r"the label 3 of val_1\.png is neither a folder in train/ nor"),
        ("val_1.png n04\nval_2.png 0\nval_3.png 1\n", r"the label n04 of val_1\.png is neither"),
        ("n01\nn02\n", r"has 2 labels for 3 images"),
        ("val_1.png 2\nval_2.png\nval_3.png 1\n", r"'val_2\.png' has no label; expected NAME LABEL"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_list_that_does_not_fit_is_one_line(flat: Path, text: str, reason: str) -> None:
    (flat / "val.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=reason) as caught:
        listing(str(flat), None)
    assert "\n" not in str(caught.value)


def test_class_folders_need_no_list(flat: Path, save: Save) -> None:
    """Beside them loose images count no more than in train/."""
    save("val/n02/a.png")
    found = listing(str(flat), None)
    assert found.test is not None
    assert [label for label, files in found.test.items() if files] == ["n02"]
