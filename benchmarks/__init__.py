"""For maintainers: how fast training and analysis are and where their time goes; README.md lists the commands."""

import experiments  # noqa: F401  # sets what cuBLAS reads, before the modules here import PyTorch
