"""The papers' training recipes as data."""

from __future__ import annotations

from experiments.spec import Recipe

# He et al. 2015, section 4.2, and 2016, appendix: SGD with momentum 0.9, batch 128, learning rate 0.1 divided by
# 10 at 32k and 48k of 64k iterations, 0.01 for the first 400, decay 1e-4, pad-4 crops and flips.
HE2016_CIFAR = Recipe()
