"""The nets by name: those of the families, and those that a user registers."""

from __future__ import annotations

import difflib
import inspect
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, TypeVar, overload

from torch import nn

from nets.initialisation import initialise
from nets.options import Count, Option, options_of_builder

Builder = Callable[..., nn.Module]
AnyBuilder = TypeVar("AnyBuilder", bound=Builder)

# Each family keeps a table `NETS` of name -> builder: a function whose keyword-only parameters are the options,
# each with type and default. A preset is a `functools.partial`: by position fixed, by keyword a new default.
FAMILIES = (
    "resnet",
    "inception.v3",
    "inception.v4",
    "inception.resnet",
    "alexnet",
    "densenet",
    "mobilenet",
    "lenet",
    "inception.googlenet",
    "inception.bn",
    "inception.mnist",
    "mnist_resnet",
)
FROM_DATA = {"num_classes": 10, "in_channels": 3}  # options of every net; a run takes their values from its data set


class RegisteredNet:
    """A user's builder, with `num_classes` and `in_channels` as options even where the builder does not take them."""

    def __init__(self, name: str, builder: Builder) -> None:
        self.name, self.builder = name, builder
        given = _parameters(name, builder)
        self.takes = tuple(given)
        options = {key: Option(default, Count) for key, default in FROM_DATA.items()} | given
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type)
                for key, option in options.items()
            ]
        )

    def __call__(self, **options: Any) -> nn.Module:
        try:
            net = self.builder(**{key: value for key, value in options.items() if key in self.takes})
        except ValueError:
            raise
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ValueError(f"{self.name} cannot be built: {reason} ({line.filename}, line {line.lineno})") from error
        if not isinstance(net, nn.Module):
            raise ValueError(f"{self.name} cannot be built: a {type(net).__name__} is not a torch.nn.Module")
        return net


_registered: dict[str, RegisteredNet] = {}


@overload
def register(name: str) -> Callable[[AnyBuilder], AnyBuilder]: ...
@overload
def register(name: str, net: AnyBuilder) -> AnyBuilder: ...
def register(name: str, net: AnyBuilder | None = None) -> AnyBuilder | Callable[[AnyBuilder], AnyBuilder]:
    """Add a net of your own: `nets.register("my_net", MyNet)`, or `@nets.register("my_net")` above the definition.

    `net` is an nn.Module class, or a function that returns an nn.Module. Its parameters are the net's options, with
    their annotations and defaults; `num_classes` and `in_channels` are passed if it takes them. A net without an
    attribute `init` keeps the initial values of its constructor (see `initialise`).
    Raises ValueError for a name that another net has, and for a parameter without a default.
    """
    if net is None:
        return lambda builder: register(name, builder)
    if name in _registered and _origin(_registered[name].builder) == _origin(net):
        _registered[name] = RegisteredNet(name, net)  # the same file, run once more
    elif name in builders():
        raise ValueError(f"there is a net {name!r} already; register yours under another name")
    else:
        _registered[name] = RegisteredNet(name, net)
    return net


def builders() -> dict[str, Builder]:
    """Every net's builder by name, family by family, then those registered."""
    families = (import_module(f"nets.{family}").NETS for family in FAMILIES)
    return {name: make for nets in (*families, _registered) for name, make in nets.items()}


def names() -> tuple[str, ...]:
    """The nets that `build` knows, family by family, then those registered."""
    return tuple(builders())


def options_of(name: str) -> Mapping[str, Option]:
    """The options of a net with default and type. Raises ValueError for an unknown net."""
    return options_of_builder(_builder(name))


def build(name: str, **options: Any) -> nn.Module:
    """The net `name`, with its paper's initial weights drawn from PyTorch's global random stream.

    Forward takes (N, C, H, W) and returns logits (N, num_classes). An unknown name or option, or an invalid value,
    raises ValueError, one line that lists what is valid.
    """
    make = _builder(name)
    known = options_of_builder(make)
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(known)}")
        if not known[option].accepts(value):
            raise ValueError(f"{name}: {option} cannot be {value!r}; it takes {known[option]}")
    net = make(**options)
    initialise(net)
    return net


def _builder(name: str) -> Builder:
    known = builders()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"unknown net {name!r}; {hint}choose from {', '.join(known)}")
    return known[name]


def _parameters(name: str, builder: Builder) -> dict[str, Option]:
    """The builder's parameters as options. One without annotation has the type of its default."""
    try:
        signature = inspect.signature(builder, eval_str=True)
    except NameError:  # an annotation that only the type checker can resolve
        signature = inspect.signature(builder)
    options: dict[str, Option] = {}
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            continue
        default, annotation = parameter.default, parameter.annotation
        if parameter.name in FROM_DATA:
            default = FROM_DATA[parameter.name] if default is parameter.empty else default
            annotation = Count
        elif default is parameter.empty:
            raise ValueError(f"{name}: its parameter {parameter.name!r} needs a default value")
        elif annotation is parameter.empty or isinstance(annotation, str):
            annotation = Any if default is None else type(default)
        elif default is None:
            annotation = annotation | None
        options[parameter.name] = Option(default, annotation)
    return options


def _origin(builder: Builder) -> tuple[Any, ...]:
    """Where a builder is defined, so that a file or a notebook cell that is run again can register its nets again."""
    if isinstance(builder, partial):
        return (*_origin(builder.func), builder.args, tuple(sorted(builder.keywords.items())))
    place = (builder.__module__, getattr(builder, "__qualname__", type(builder).__qualname__))
    if builder.__module__ == "__main__":
        return place
    parts = (getattr(builder, name, None) for name in ("__code__", "__init__", "forward"))
    codes = (getattr(part, "__code__", part) for part in parts)
    return (*place, *((code.co_filename, code.co_firstlineno) for code in codes if inspect.iscode(code)))
