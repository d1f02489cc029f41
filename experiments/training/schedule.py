"""The learning rate as a pure function of the step; a new schedule is one row of SCHEDULES."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from experiments.spec import Recipe


@dataclass(frozen=True)
class Schedule:
    """factor(step, recipe) multiplies the learning rate, from the end of the warm-up on; steps count from 0.

    in_steps: the rate changes a few times only, so that a CUDA graph can hold it as a constant.
    own_warmup: the factor holds from the first step, warm-up included.
    """

    factor: Callable[[int, Recipe], float]
    in_steps: bool = False
    own_warmup: bool = False


def learning_rate(step: int, recipe: Recipe) -> float:
    """lr(step) = base * warm-up's factor in the first `warmup` of the iterations, else base * schedule's factor.

    As a function of the step alone it cannot stay at the warm-up's value, nor be wrong after a resume.
    """
    schedule = SCHEDULES[recipe.schedule]
    if step < warmup_steps(recipe) and not schedule.own_warmup:
        return recipe.learning_rate * _warmup(step, recipe)
    return recipe.learning_rate * schedule.factor(step, recipe)


def warmup_steps(recipe: Recipe) -> int:
    return round(recipe.warmup * recipe.iterations)


def _warmup(step: int, recipe: Recipe) -> float:
    """f (constant, He et al. 2016: 0.1 for 400 steps), or f + (1 - f) step / steps (linear, Goyal et al. 2017)."""
    risen = step / warmup_steps(recipe) if recipe.warmup_shape == "linear" else 0.0
    return recipe.warmup_factor + (1 - recipe.warmup_factor) * risen


def milestones(step: int, recipe: Recipe) -> float:
    """gamma^(milestones passed). He et al. 2016, appendix: divided by 10 at 32k and 48k of 64k steps."""
    return recipe.gamma ** sum(step >= round(share * recipe.iterations) for share in recipe.milestones)


def cosine(step: int, recipe: Recipe) -> float:
    """e + (1 - e) (1 + cos(pi t)) / 2 with t from 0 to 1 after the warm-up, e = final_factor.

    Loshchilov & Hutter 2017, equation 5, without restarts; torch.optim.lr_scheduler.CosineAnnealingLR.
    """
    return _anneal(1.0, recipe.final_factor, _progress(step, recipe))


def linear(step: int, recipe: Recipe) -> float:
    """1 - (1 - e) t with t from 0 to 1 after the warm-up, e = final_factor; torch.optim.lr_scheduler.LinearLR."""
    return 1 - (1 - recipe.final_factor) * _progress(step, recipe)


def one_cycle(step: int, recipe: Recipe) -> float:
    """From warmup_factor up to 1 in the warm-up, and down to final_factor, both along half a cosine.

    Smith & Topin 2018, as torch.optim.lr_scheduler.OneCycleLR, whose defaults are warmup 0.3, warmup_factor 1 / 25 and
    final_factor 1 / 25e4.
    """
    last = recipe.iterations - 1
    top = min(max(recipe.warmup * recipe.iterations - 1, 0.0), last)
    if step <= top:
        return _anneal(recipe.warmup_factor, 1.0, step / top if top else 1.0)
    return _anneal(1.0, recipe.final_factor, (step - top) / (last - top))


def _progress(step: int, recipe: Recipe) -> float:
    return (step - warmup_steps(recipe)) / (recipe.iterations - warmup_steps(recipe))


def _anneal(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[str, Schedule] = {
    "milestones": Schedule(milestones, in_steps=True),
    "cosine": Schedule(cosine),
    "linear": Schedule(linear),
    "one_cycle": Schedule(one_cycle, own_warmup=True),
}
