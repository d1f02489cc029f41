"""A run's folder opened again: the same net, bit for bit; folders of the first format; exports; what is no run."""

import hashlib
import io
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import experiments
from experiments.data.augment import Pixels
from experiments.execution.opened import read_spec
from experiments.execution.run import complete_run
from experiments.planning.job import Job
from experiments.spec import RunSpec, SpecError, nested, with_changes
from experiments.training import checkpoint, predictions
from experiments.training.checkpoint import CheckpointError
from experiments.training.predictions import kept

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def trained(tiny, tmp_path):
    """`trained(changes)`: the folder of a run trained to its end, and its rows."""

    def run(changes=None, **more):
        spec = with_changes(tiny, changes or {})
        job = Job("planted", "original", "smoke", spec, {}, tmp_path / spec.hash8, None, "disabled", **more)
        rows = []
        assert complete_run(job, rows.append) == "finished"
        return job.folder, spec, rows

    return run


@pytest.mark.parametrize(
    "changes", [{}, {"recipe.ema": 0.9}, {"recipe.precision": "bf16", "net.shortcut": "conv1x1", "net.downsample": "B"}]
)
def test_an_opened_net_is_the_one_that_was_tested_bit_for_bit(trained, digits, changes):
    """Its logits of the test set are those that the training itself kept."""
    folder, spec, rows = trained(changes)
    run = experiments.open_run(folder)
    assert (run.spec, run.outcome, list(run.rows)) == (spec, "finished", rows)
    assert not run.net.training
    during = predictions.load(folder)
    (folder / predictions.NAME).unlink()
    again = run.predictions()
    assert torch.equal(again.logits, during.logits)
    assert torch.equal(again.labels, digits.test.labels)
    pixels = Pixels(digits.train.images, "pixel_mean")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=spec.recipe.precision == "bf16"):
        by_hand = run.net(pixels(digits.test.images[:500]).contiguous(memory_format=torch.channels_last))
    assert torch.equal(kept(by_hand.float()), during.logits[: len(by_hand)])


def test_with_ema_the_averaged_weights_are_opened(trained):
    folder, spec, _ = trained({"recipe.ema": 0.9})
    state = checkpoint.load(folder, spec.run_id)
    net = experiments.open_run(folder).net.state_dict()
    assert all(torch.equal(net[name], values) for name, values in state["ema"].items())
    assert not torch.equal(net["conv1.weight"], state["net"]["conv1.weight"])


def test_a_metric_that_was_not_asked_for_is_computed_later(trained):
    folder, _, rows = trained(metrics=("ece",))
    run = experiments.open_run(folder)
    assert run.measure("ece") == rows[-1]["test/ece"]
    assert run.measure("error") == pytest.approx(rows[-1]["test/error"])
    assert run.measure("nll") == pytest.approx(rows[-1]["test/loss"], rel=5e-4)
    with pytest.raises(SpecError, match=r"^unknown metric 'eec'; did you mean ece\?"):
        run.measure("eec")


def test_export_to_safetensors(trained, tmp_path):
    folder, spec, _ = trained()
    run = experiments.open_run(folder)
    path = run.export(tmp_path / "net.safetensors")
    tensors = load_file(path)
    assert tensors.keys() == run.net.state_dict().keys()
    assert all(torch.equal(tensors[name], values) for name, values in run.net.state_dict().items())
    with safe_open(path, "pt") as file:
        about = file.metadata()
    assert about["run_id"] == spec.run_id
    assert json.loads(about["spec"]) == nested(spec)


@pytest.mark.parametrize("changes", [{}, {"recipe.ema": 0.9}])
def test_a_folder_of_the_first_format(trained, changes):
    """A checkpoint that begins with its 32-byte SHA-256, old names of settings, no predictions."""
    folder, spec, rows = trained(changes)
    during = predictions.load(folder)
    state = checkpoint.load(folder, spec.run_id)
    if "ema" in state:
        state["average"] = state.pop("ema")
    for path in folder.iterdir():
        if path.name not in ("spec.json", "env.json", "wandb", "lock"):
            path.unlink()
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    (folder / "checkpoint.pt").write_bytes(hashlib.sha256(content).digest() + content)
    tree = nested(spec)
    for today, first in (("milestones", "drops"), ("gamma", "drop_factor"), ("ema", "average")):
        tree["recipe"][first] = tree["recipe"].pop(today)
    del tree["data"]["image_size"]  # a field that came later
    (folder / "spec.json").write_text(json.dumps(tree))
    run = experiments.open_run(folder)
    assert run.spec == spec
    assert list(run.rows) == rows
    assert torch.equal(run.predictions().logits, during.logits)


def test_a_spec_comes_back_whole(tmp_path):
    spec = with_changes(
        RunSpec(), {"recipe.milestones": (0.3, 0.6, 0.9), "recipe.crop_size": 8, "recipe.crop_area": (0.1, 1.0),
                    "net.shortcut": "scaled", "net.shortcut_scale": 0.3, "seed": 4, "threads": 2}
    )  # fmt: skip
    (tmp_path / "spec.json").write_text(json.dumps(nested(spec)))
    back = read_spec(tmp_path)
    assert (back.run_id, back.hash8) == (spec.run_id, spec.hash8)
    assert nested(back) == nested(spec)


def test_what_is_no_run_is_said_in_one_line(trained, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"^.* is not the folder of a run: it has no spec\.json; give one such as"
    ):
        experiments.open_run(tmp_path / "nowhere")
    folder, *_ = trained()
    for path in folder.glob("checkpoint*"):
        path.unlink()
    with pytest.raises(CheckpointError, match=r"has no checkpoint: the run has not trained yet$"):
        experiments.open_run(folder)
    tree = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps({**tree, "recipe": {**tree["recipe"], "warp": 9}}))
    with pytest.raises(CheckpointError, match=r"spec\.json does not fit this version of the project: .*warp"):
        experiments.open_run(folder)
    (folder / "spec.json").write_text(json.dumps({**tree, "net": {"name": "mynet"}}))
    with pytest.raises(CheckpointError, match="does not fit this version of the project: unknown net 'mynet'"):
        experiments.open_run(folder)
    (folder / "spec.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"spec\.json is damaged"):
        experiments.open_run(folder)


def test_importing_the_package_does_not_import_pytorch():
    import subprocess
    import sys

    code = "import sys, experiments; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="has no attribute 'close_run'"):
        experiments.close_run  # noqa: B018


def test_a_damaged_last_checkpoint_is_told(trained):
    folder, _, rows = trained()
    path = folder / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="damaged .* the checkpoint before it is used"):
        run = experiments.open_run(folder)
    assert list(run.rows) == rows[: len(run.rows)]
