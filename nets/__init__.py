"""Architectures, by name and option: `build("resnet110", order="full_preact")`."""

from nets.initialisation import initialise
from nets.options import Option
from nets.registry import FAMILIES, build, names, options_of, register

__all__ = ["FAMILIES", "Option", "build", "initialise", "names", "options_of", "register"]
