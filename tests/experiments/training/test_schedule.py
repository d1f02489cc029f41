"""He et al.'s learning rate at the steps where ports go wrong."""

import pytest

from experiments.spec import Recipe
from experiments.training.schedule import learning_rate


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.01),
        (399, 0.01),
        (400, 0.1),
        (31_999, 0.1),
        (32_000, 0.01),
        (47_999, 0.01),
        (48_000, 0.001),
        (63_999, 0.001),
    ],
)
def test_warm_up_and_drops_of_the_paper(step, rate):
    assert learning_rate(step, Recipe()) == pytest.approx(rate)


def test_shares_scale_with_the_length():
    short = Recipe(iterations=640)
    assert [learning_rate(step, short) for step in (3, 4, 319, 320, 480)] == pytest.approx(
        [0.01, 0.1, 0.1, 0.01, 0.001]
    )


def test_without_warm_up():
    assert learning_rate(0, Recipe(warmup=0.0)) == 0.1
