"""The options of run_ablation.py, whose docstrings are its help. Imports nothing slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from experiments.execution.executors.options import Engine
from experiments.loading import AS_FITS, Loading


@dataclass
class Args:
    """Run every variant of an ablation under fixed seeds, then print the paper's table beside ours.

    Finished runs are skipped and interrupted ones resumed, so the same command can be given again at any time.
    """

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The ablation, e.g. resnet_preact (--list shows them all), or a file of your own: path/to/mine.py."""
    profile: str | None = None
    """How much of the paper's protocol to run: smoke, quick or paper, or one of your file's own profiles. Default:
    quick with a CUDA GPU, else smoke."""
    all: bool = False
    """Run every ablation in turn, with profile smoke unless another is given; a failure does not stop the others."""
    seeds: str | None = None
    """Seeds of every variant: 5 (0 to 4), 3-7, or 0,2,9. auto: seeds are added in rounds to the variants whose claims
    are undecided, until all are decided. Default: the profile's number of seeds."""
    max_seeds: int = 30
    """With --seeds auto: no more seeds than these. It must stay the same when a study is resumed."""
    max_hours: float = 4.0
    """With --seeds auto: no round begins that would end later than this after the command began."""
    variants: tuple[str, ...] = ()
    """Run only these variants."""
    dataset: str | None = None
    """Another data set for all variants: digits, cifar10, cifar100, fashion_mnist, mnist,
    imagefolder:PATH, npz:FILE or hf:NAME."""
    split: float | None = None
    """Share of each class to train on, for images of your own without a test set, e.g. 0.8."""
    data_dir: Path | None = None
    """Where data sets are cached. Default: $ABLATION_DATA or the user's cache folder."""
    depth: int | None = None
    """Another depth of the net for all variants, e.g. 164."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Any field for all variants, e.g. --set recipe.learning_rate=0.05 --set data.image_size=64."""
    epochs: float | None = None
    """Another length for all variants; warm-up and milestones keep their shares of it."""
    device: Literal["cpu", "cuda", "mps"] | None = None
    """Default: cuda where there is one, else cpu."""
    jobs: int | Literal["auto"] = "auto"
    """Runs in parallel; results do not depend on it. auto: as cores and memory allow; on CUDA, the fastest tested."""
    threads: int | None = None
    """CPU threads per run; part of a run's identity, since they change the last bits of results. Default: as many as
    the study was begun with; at first cores / runs, at most $OMP_NUM_THREADS and one per 8 images of a batch."""
    precision: Literal["fp32", "tf32", "bf16"] | None = None
    """bf16 computes convolutions in bfloat16, tf32 rounds to TF32 (CUDA only). Default: the recipe's, mostly fp32."""
    compiled: bool = False
    """Fuse each training pass with torch.compile. It takes about a minute to start, so it suits long runs."""
    metrics: str = ""
    """Also measured on the test set, finished runs included: top5_error,balanced_error,macro_f1,nll,ece or your own."""
    metric: str = "error"
    """What tables and verdict compare: error, or one as in --metrics."""
    margin: float | None = None
    """Differences below it do not matter, e.g. 0.5 percentage points: such a variant is equivalent to the baseline.
    Default: the paper's difference."""
    wandb: Literal["offline", "online", "disabled"] | None = None
    """Default: $WANDB_MODE, else offline, which needs no account; disabled trains without logs, so without a table."""
    wandb_entity: str | None = None
    """The user or team on the W&B server. Default: $WANDB_ENTITY, else the account's own."""
    wandb_project: str | None = None
    """The project on the W&B server. Default: $WANDB_PROJECT, else the ablation's name."""
    wandb_artifacts: bool = False
    """Also store final checkpoints, tables, figures and the report as W&B artifacts."""
    out: Path = Path("runs")
    """Where runs, tables and figures are written."""
    loading: Annotated[Loading, tyro.conf.arg(name="")] = AS_FITS
    engine: Annotated[Engine, tyro.conf.arg(name="")] = field(default_factory=Engine)
    status: bool = False
    """Print where the study stands (done, running, failed, waiting; hours so far and to go), from any machine."""
    watch: bool = False
    """Like --status, kept on the screen until no run is left."""
    dry_run: bool = False
    """Print the plan and stop."""
    list: bool = False
    """List the ablations with the number of runs in each profile, and stop."""
    estimate: bool = False
    """With --list: also time how long each profile would take on this machine, which itself takes about a minute."""
    cells: bool = False
    """List the published numbers that an ablation (or all) is compared with and those it is not, and stop."""
