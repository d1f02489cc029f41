"""The tables that the names in a spec come from; a row added to one is a valid name at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from operator import attrgetter

from experiments.spec import RunSpec, SpecError
from experiments.training.optimisers import DECAYED, OPTIMISERS
from experiments.training.schedule import SCHEDULES
from nets.initialisation import INITS

CHOICES: Mapping[str, Iterable[str]] = {
    "recipe.schedule": SCHEDULES,
    "recipe.optimiser": OPTIMISERS,
    "recipe.decay": DECAYED,
    "recipe.init": INITS,
}


def check_choices(spec: RunSpec) -> None:
    """Raise SpecError for a name that its table does not have."""
    for path, names in CHOICES.items():
        name = attrgetter(path)(spec)
        if name is not None and name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise SpecError(f"{path} cannot be {name!r}; {hint}choose from {', '.join(names)}")
