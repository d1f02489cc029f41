"""Names on disk, epochs and steps, paths into a spec."""

import json
from dataclasses import field, make_dataclass, replace
from pathlib import Path

import pytest

from experiments import spec as spec_module
from experiments.ablations import load, names
from experiments.spec import (
    DataSpec,
    NetSpec,
    Recipe,
    RunSpec,
    SpecError,
    flatten,
    non_default,
    with_changes,
    with_epochs,
)

RUN_IDS = Path(__file__).with_name("run_ids.json")
# Old runs are found by these: a change here loses every finished run of every user.
PINNED = {
    "31102c55": RunSpec(),
    "71687177": RunSpec(net=NetSpec("resnet110", {"order": "full_preact"})),
    "9ffe5fe1": RunSpec(net=NetSpec("resnet20"), recipe=Recipe(iterations=3125)),
}


@pytest.mark.parametrize("hash8", PINNED)
def test_hashes_stay_where_they_are(hash8):
    assert PINNED[hash8].hash8 == hash8


@pytest.mark.parametrize("name", names())
def test_every_declared_run_keeps_its_folder_and_its_id(name):
    """By ablation/profile/variant "hash8 run_id", seed 0. Written before the rooms were laid out; those of smoke again,
    when a pilot chose its lengths."""
    recorded = {key: ids for key, ids in json.loads(RUN_IDS.read_text()).items() if key.startswith(f"{name}/")}
    ablation = load(name)
    found = {
        f"{name}/{profile}/{variant}": f"{spec.hash8} {spec.run_id}"
        for profile in ablation.profiles
        for variant, spec in ablation.specs(profile).items()
    }
    assert found == recorded


def test_the_hash_leaves_out_the_seed_and_the_id_does_not():
    one, two = RunSpec(seed=1), RunSpec(seed=2)
    assert one.hash8 == two.hash8
    assert one.run_id != two.run_id


def test_a_default_spelled_out_changes_nothing():
    spelled = RunSpec(net=NetSpec("resnet110", {"order": "original", "downsample": "A"}))
    assert (spelled.hash8, spelled.run_id) == (RunSpec().hash8, RunSpec().run_id)
    assert non_default(spelled) == {"net.name": "resnet110"}


def test_a_new_field_keeps_the_hash_until_it_is_set(monkeypatch):
    """As when a later version adds a field to the run and one to the recipe."""
    wide = make_dataclass("Recipe", [("mixup", float, 0.0)], bases=(Recipe,), frozen=True)
    fields = [("recipe", wide, field(default=wide())), ("nodes", int, 1)]
    wider = make_dataclass("RunSpec", fields, bases=(RunSpec,), frozen=True)
    monkeypatch.setattr(spec_module, "RunSpec", wider)
    assert wider().hash8 == RunSpec().hash8 == "31102c55"
    assert wider().run_id == RunSpec().run_id
    assert len({wider().hash8, wider(nodes=2).hash8, wider(recipe=wide(mixup=0.2)).hash8}) == 3


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe.learning_rate", 0.2),
        ("net.order", "full_preact"),
        ("data.train_images", 100),
        ("data.image_size", 64),
        ("recipe.optimiser", "rmsprop"),
        ("recipe.rmsprop_decay", 0.99),
        ("recipe.rmsprop_eps", 0.1),
        ("recipe.label_smoothing", 0.1),
        ("recipe.clip_norm", 2.0),
        ("recipe.ema", 0.999),
        ("recipe.aux_weight", 0.4),
        ("recipe.pca_noise", 0.1),
        ("recipe.crop_size", 24),
        ("recipe.crop_area", (0.08, 1.0)),
        ("recipe.decay", "not_depthwise"),
        ("threads", 2),
        ("device", "cuda"),
    ],
)
def test_every_field_that_changes_a_result_changes_the_hash(path, value):
    assert with_changes(RunSpec(), {path: value}).hash8 != RunSpec().hash8


def test_he_2016_is_164_epochs_of_391_batches():
    """64,000 batches of 128 from 50,000 images: 163.84 epochs; batches cross epoch boundaries."""
    spec = RunSpec()
    assert spec.epochs == 164
    assert [spec.epoch_end(e) for e in (0, 1, 162, 163)] == [391, 782, 63_672, 64_000]


@pytest.mark.parametrize(("images", "batch", "iterations"), [(200, 32, 26), (100, 10, 30), (7, 3, 1), (1437, 32, 449)])
def test_epochs_cover_the_iterations_exactly(images, batch, iterations):
    spec = RunSpec(data=DataSpec("digits", images), recipe=Recipe(iterations=iterations, batch_size=batch))
    ends = [spec.epoch_end(e) for e in range(spec.epochs)]
    assert ends == sorted(set(ends))
    assert ends[-1] == iterations
    assert all(end * batch >= (e + 1) * images for e, end in enumerate(ends[:-1]))


def test_with_epochs():
    assert with_epochs(RunSpec(), 2).recipe.iterations == round(2 * 50_000 / 128)
    assert with_epochs(RunSpec(data=DataSpec("digits")), 1 / 1000).recipe.iterations == 1


@pytest.mark.parametrize("path", ["net", "recipe.lr", "optimiser.lr", "seeds", "recipe"])
def test_paths_that_do_not_exist_are_refused(path):
    with pytest.raises(SpecError, match=f"no field '{path}'"):
        with_changes(RunSpec(), {path: 1})


def test_a_whole_net_can_be_set():
    """Where variants are nets of their own; the options of the net before do not stay."""
    spec = RunSpec(net=NetSpec("resnet20", {"order": "full_preact"}))
    assert with_changes(spec, {"net": NetSpec("densenet40")}).net == NetSpec("densenet40")


def test_an_unknown_net_option_names_the_known_ones():
    with pytest.raises(SpecError, match="no option 'odrer'; it has num_classes"):
        flatten(RunSpec(net=NetSpec("resnet110", {"odrer": "original"})))


def test_tuples_become_lists():
    """W&B and JSON know lists alone."""
    spec = with_changes(
        RunSpec(net=NetSpec("googlenet")), {"recipe.crop_area": (0.08, 1.0), "recipe.milestones": (0.1,)}
    )
    flat = flatten(spec)
    assert (flat["recipe.crop_area"], flat["recipe.milestones"], flat["net.aux_after"]) == (
        [0.08, 1.0],
        [0.1],
        ["4a", "4d"],
    )
    assert not any(isinstance(value, tuple) for value in flat.values())


@pytest.mark.parametrize(
    ("data", "crop", "shape", "seen"),
    [
        (DataSpec("digits"), None, (1, 8, 8), (1, 8, 8)),
        (DataSpec("cifar10"), 24, (3, 32, 32), (3, 24, 24)),
        (DataSpec("mnist", image_size=32), None, (1, 32, 32), (1, 32, 32)),
        (DataSpec("imagefolder:/nowhere"), None, (3, 224, 224), (3, 224, 224)),
        (DataSpec("imagefolder:/nowhere", image_size=256), 224, (3, 256, 256), (3, 224, 224)),
    ],
)
def test_shapes_of_images_and_of_what_the_net_sees(data, crop, shape, seen):
    """Known before loading, and for an image folder before it exists."""
    spec = RunSpec(data=data, recipe=Recipe(crop_size=crop))
    assert (spec.data.shape, spec.input_shape) == (shape, seen)


def test_every_ablation_is_named_after_its_file():
    assert len(names()) == 16
    assert all(load(name).name == name for name in names())


def test_seeds_do_not_enter_the_paths():
    spec = RunSpec()
    assert flatten(replace(spec, seed=5))["seed"] == 5
