"""The learning rate as a pure function of the step."""

from __future__ import annotations

from experiments.spec import Recipe


def learning_rate(step: int, recipe: Recipe) -> float:
    """lr(step) = base * warmup_factor in the warm-up, else base * gamma^(milestones passed); steps count from 0.

    He et al. 2016, appendix: 0.01 for 400 iterations, then 0.1, divided by 10 at 32k and 48k. As a function of the
    step alone it cannot stay at the warm-up's value, nor be wrong after a resume.
    """
    if step < round(recipe.warmup * recipe.iterations):
        return recipe.learning_rate * recipe.warmup_factor
    passed = sum(step >= round(share * recipe.iterations) for share in recipe.milestones)
    return recipe.learning_rate * recipe.gamma**passed
