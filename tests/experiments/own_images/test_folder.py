"""Image folders ahead of loading: classes, counts, sizes, and every layout that cannot be used."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from experiments.datasets import DataError, canonical, info_of
from experiments.own_images.folder import describe, listing
from experiments.own_images.picture import IMAGE_SUFFIXES

Save = Callable[..., Path]


@pytest.fixture(autouse=True)
def _looked_at_anew() -> None:
    describe.cache_clear()


@pytest.fixture
def pets(tmp_path: Path, save: Save) -> Path:
    """Three cats and two dogs for training, one of each for validation."""
    for name in ("train/cat/a.png", "train/cat/b.jpg", "train/cat/deep/c.PNG", "train/dog/a.png", "train/dog/z/b.png"):
        save(name)
    save("val/cat/a.png")
    save("val/dog/a.png")
    return tmp_path


def test_files_and_labels_are_those_of_torchvisions_image_folder(pets: Path) -> None:
    (pets / "train" / "dog" / "notes.txt").write_text("not an image")
    (pets / "train" / "readme.jpg").write_text("not in a class")
    assert set(IMAGE_SUFFIXES) == set(IMG_EXTENSIONS)
    found = listing(str(pets), None)
    for part, files in (("train", found.train), ("val", found.test)):
        theirs = ImageFolder(str(pets / part))
        ours = [(file.path, number) for number, label in enumerate(files) for file in files[label]]
        assert list(files) == theirs.classes
        assert ours == theirs.samples
    info = info_of(f"imagefolder:{pets}")
    assert (info.classes, info.train_images, info.test_images) == (2, 5, 2)


def test_hidden_folders_and_files_are_no_classes_and_no_images(pets: Path, save: Save) -> None:
    before = listing(str(pets), None)
    for name in (".ipynb_checkpoints/a.png", "cat/.ipynb_checkpoints/a.png", "cat/._a.png", "__MACOSX/a.png"):
        save(f"train/{name}")
    save("val/.hidden/a.png")
    assert listing(str(pets), None) == before


@pytest.mark.parametrize(
    ("sides", "usual"),
    [([40, 40, 40], 40), ([30, 40, 90], 40), ([40, 41], 40), ([41, 42, 43, 44], 42), ([300, 500], 224), ([1, 1], 1)],
)
def test_the_usual_size_is_the_median_short_side_up_to_224(tmp_path: Path, save: Save, sides: list, usual: int) -> None:
    """The median of an even number of sides is rounded to even: 40.5 is 40, 42.5 is 42."""
    for k, side in enumerate(sides):
        save(f"train/cat/{k}.png", height=side, width=2 * side)
        save(f"train/dog/{k}.png", height=side + 3, width=side)
    save("val/cat/a.png", height=999, width=999)
    assert info_of(f"imagefolder:{tmp_path}").usual_size == usual


def test_a_validation_folder_that_lacks_a_class_keeps_the_numbers(pets: Path) -> None:
    (pets / "val" / "cat" / "a.png").unlink()
    info = info_of(f"imagefolder:{pets}")
    assert (info.classes, info.test_images) == (2, 1)
    assert info.notes == ("val/ has no images of cat",)


def test_test_is_a_name_for_the_validation_folder(pets: Path) -> None:
    (pets / "val").rename(pets / "test")
    assert info_of(f"imagefolder:{pets}").test_images == 2
    (pets / "val").mkdir()
    with pytest.raises(DataError, match="val has no images"):
        listing(str(pets), None)


def remove(*names: str) -> Callable[[Path, Save], None]:
    def change(folder: Path, save: Save) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def rename(name: str, other: str) -> Callable[[Path, Save], None]:
    return lambda folder, save: (folder / name).rename(folder / other) and None


def link(name: str, target: str) -> Callable[[Path, Save], None]:
    return lambda folder, save: (folder / name).symlink_to(target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename("train", "elsewhere"), "{0} has no folder train/; expected {0}/train/CLASS/IMAGE"),
        (rename("val", "elsewhere"), "{0} has no folder val/; expected {0}/train/CLASS/IMAGE and {0}/val/CLASS/IMAGE"),
        (rename("val/dog", "val/wolf"), "{0}/val has the class wolf, which {0}/train does not have"),
        (lambda folder, save: save("val/wolf/a.png"), "{0}/val has the class wolf, which {0}/train does not have"),
        (lambda folder, save: (folder / "train" / "wolf").mkdir(), "{0}/train/wolf has no images (.jpg, "),
        (rename("train/dog", "dog"), "{0}/train has only the class cat; at least two are needed"),
        (remove("val/cat/a.png", "val/dog/a.png"), "{0}/val has no images"),
        (lambda folder, save: (folder / "train/cat/0.png").touch(), "{0}/train/cat/0.png is empty"),
        (lambda folder, save: os.mkfifo(folder / "train/cat/0.png"), "{0}/train/cat/0.png is not a regular file"),
        (link("train/cat/0.png", "/dev/zero"), "{0}/train/cat/0.png is not a regular file"),
        (link("train/cat/0.png", "nowhere"), "{0}/train/cat/0.png cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(
    pets: Path, save: Save, change: Callable[[Path, Save], None], message: str
) -> None:
    change(pets, save)
    with pytest.raises(DataError, match=re.escape(message.format(pets))) as error:
        info_of(f"imagefolder:{pets}")
    assert "\n" not in str(error.value)


def test_links_in_a_circle_end(pets: Path) -> None:
    for k in range(6):
        (pets / "train" / "cat" / f"loop{k}").symlink_to(pets / "train")
        (pets / "train" / "dog" / f"loop{k}").symlink_to("..")
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(len(listing(str(pets), None).train["cat"])), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [5]  # every real folder below it once: cat, deep, dog and z


def test_a_split_divides_one_folder_of_classes(tmp_path: Path, save: Save) -> None:
    for label, count in (("cat", 10), ("dog", 5), ("eel", 2)):
        for k in range(count):
            save(f"{label}/{k}.png")
    info = info_of(f"imagefolder:{tmp_path}", 0.8)
    assert (info.classes, info.train_images, info.test_images) == (3, 8 + 4 + 1, 2 + 1 + 1)
    with pytest.raises(DataError, match=r"has no folder train/; .*, or --split 0\.8 for"):
        info_of(f"imagefolder:{tmp_path}")
    (tmp_path / "eel" / "1.png").unlink()
    describe.cache_clear()
    with pytest.raises(DataError, match="class eel has one image; a split needs at least two"):
        info_of(f"imagefolder:{tmp_path}", 0.8)


def test_a_split_divides_a_training_folder_alone_but_not_one_with_a_test_set(pets: Path) -> None:
    with pytest.raises(DataError, match="has train/ and val/; a split is for a folder without them"):
        info_of(f"imagefolder:{pets}", 0.5)
    (pets / "val").rename(pets / "elsewhere")
    info = info_of(f"imagefolder:{pets}", 0.5)
    assert (info.train_images, info.test_images) == (2 + 1, 1 + 1)


@pytest.mark.parametrize("split", [0.0, 1.0, -0.5, 1.5])
def test_a_split_is_a_share(pets: Path, split: float) -> None:
    (pets / "val").rename(pets / "elsewhere")
    with pytest.raises(DataError, match="split must be above 0 and below 1"):
        info_of(f"imagefolder:{pets}", split)


def test_a_path_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    forms = ("pets", "pets/", "./pets", "x/../pets", "~/pets", f"{tmp_path}/pets//")
    assert {canonical(f"imagefolder:{form}") for form in forms} == {f"imagefolder:{tmp_path}/pets"}
    assert canonical("npz:a.npz") == f"npz:{tmp_path}/a.npz"
    assert [canonical(name) for name in ("digits", "imagefolder:", "hf:owner/name")] == [
        "digits",
        "imagefolder:",
        "hf:owner/name",
    ]
