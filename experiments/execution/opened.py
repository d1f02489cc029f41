"""A run's folder opened again: its net with weights, its spec, its rows and its predictions."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import nets
from analysis.schema import renamed
from experiments import user_file
from experiments.data.augment import Pixels
from experiments.data.load import load_for
from experiments.seeding import reseed_global
from experiments.spec import DataSpec, NetSpec, Recipe, RunSpec, SpecError
from experiments.training import checkpoint, metrics, predictions
from experiments.training.checkpoint import CheckpointError
from experiments.training.evaluation import evaluate
from experiments.training.predictions import Predictions
from experiments.training.train import Row


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """net: in evaluation mode on the CPU, with the weights of the last checkpoint: the EMA's where the recipe has one.

    rows: one per epoch, as logged. outcome: finished, diverged, or None while the run is not complete. env: versions,
    device and commit that it was trained with.
    """

    folder: Path
    spec: RunSpec
    net: nn.Module
    rows: tuple[Row, ...]
    outcome: str | None
    env: Mapping[str, Any]

    def predictions(self, data_dir: Path | None = None) -> Predictions:
        """Of the last epoch on the test set, as kept in the folder; a folder without them is evaluated again.

        That needs the data set (`data_dir`: where it is cached) and gives the same bits on the same device and
        versions. Raises DataError.
        """
        return predictions.load(self.folder) or self._predict(data_dir)

    def measure(self, name: str, data_dir: Path | None = None) -> float:
        """A metric of the test set, by its name in `experiments.training.metrics`. Raises SpecError, DataError."""
        metrics.check_names([name])
        found = self.predictions(data_dir)
        return metrics.measure([name], found.logits, found.labels)[f"test/{name}"]

    def export(self, path: str | Path) -> Path:
        """Write the net's parameters and buffers as safetensors, with the spec as JSON in the file's metadata."""
        from safetensors.torch import save_file

        tensors = {name: values.detach().contiguous().clone() for name, values in self.net.state_dict().items()}
        about = {"run_id": self.spec.run_id, "spec": (self.folder / "spec.json").read_text(), "format": "pt"}
        save_file(tensors, path, metadata=about)
        return Path(path)

    def _predict(self, data_dir: Path | None) -> Predictions:
        data, threads = load_for(self.spec.data, data_dir), torch.get_num_threads()
        torch.set_num_threads(self.spec.threads)  # the last bits depend on it
        try:
            pixels = Pixels(data.train.moments, self.spec.data.normalisation)
            on_cpu = dataclasses.replace(self.spec, device="cpu")
            return Predictions(evaluate(self.net, on_cpu, data.test, pixels)[1], data.test.labels)
        finally:
            torch.set_num_threads(threads)


def open_run(folder: str | Path) -> OpenedRun:
    """The run in `runs/ABLATION/VARIANT/seedN-HASH`, trained by this version or an older one.

    A file of your own that it was trained with is imported first. Warns where the last checkpoint is damaged and the
    one before it is used. Raises CheckpointError, one line, for a folder without a run, or if that file has changed.
    """
    folder = Path(folder)
    env = read_env(folder)
    import_own_file(folder, env)
    spec = read_spec(folder)
    state = checkpoint.load(folder, spec.run_id, tell=lambda line: warnings.warn(line, stacklevel=4))
    if state is None:
        raise CheckpointError(f"{folder} has no checkpoint: the run has not trained yet")
    kept = predictions.load(folder)
    classes = spec.data.info.classes if kept is None else kept.logits.shape[1]  # the images may be elsewhere by now
    with torch.random.fork_rng(devices=[]):  # as in `build_net`: buffers that no checkpoint has may be drawn at random
        reseed_global(spec.seed, "build")
        net = nets.build(spec.net.name, num_classes=classes, in_channels=spec.data.shape[0], **spec.net.options)
    net.load_state_dict(state.get("ema", state["net"]))
    net = net.to(memory_format=torch.channels_last).eval()
    return OpenedRun(folder, spec, net, tuple(state["rows"]), state["outcome"], env)


def read_env(folder: Path) -> dict[str, Any]:
    """folder/env.json, or nothing where there is none. Raises CheckpointError, one line."""
    path = folder / "env.json"
    try:
        return json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def import_own_file(folder: Path, env: Mapping[str, Any]) -> None:
    """Import the file that registers what the run is made of. Raises CheckpointError, one line, if it has changed."""
    recorded = env.get("file")
    if recorded is None or not Path(recorded["path"]).is_file():
        return  # what it registered may be known all the same
    try:
        file = user_file.identify(recorded["path"])
        if file.digest != recorded["digest"]:
            raise CheckpointError(
                f"{file.path} has changed since {folder} was trained with it; restore it to open the run"
            )
        user_file.import_file(file)
    except SpecError as error:
        raise CheckpointError(str(error)) from None


def read_spec(folder: Path) -> RunSpec:
    """The spec in folder/spec.json, under today's names. Raises CheckpointError, one line."""
    path = folder / "spec.json"
    try:
        tree = json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{folder} is not the folder of a run: it has no spec.json; give one such as "
                              "runs/resnet_preact/full_preact/seed0-1a2b3c4d") from None  # fmt: skip
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
    flat = renamed({
        f"{key}.{name}" if name else key: leaf
        for key, value in tree.items()
        for name, leaf in (value.items() if isinstance(value, dict) else [("", value)])
    })  # fmt: skip
    parts: dict[str, dict[str, Any]] = {"": {}, "net": {}, "data": {}, "recipe": {}}
    for key, value in flat.items():
        head, _, leaf = key.rpartition(".")
        parts.setdefault(head, {})[leaf] = tuple(value) if isinstance(value, list) else value
    try:
        return RunSpec(
            net=_net_spec(**parts["net"]), data=DataSpec(**parts["data"]), recipe=Recipe(**parts["recipe"]), **parts[""]
        )
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit this version of the project: {error}") from None


def _net_spec(name: str, **options: Any) -> NetSpec:
    """The net with the options that differ from its own defaults; spec.json has them all."""
    defaults = {option: known.default for option, known in nets.options_of(name).items()}
    return NetSpec(name, {k: v for k, v in options.items() if k not in defaults or v != defaults[k]})
