"""Backward passes of fake CUDA tensors: PyTorch's own engine asks for a CUDA device, which need not be there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd.graph import get_gradient_edge

Hook = Callable[[torch.Tensor], torch.Tensor | None]
Edge = tuple[Any, int]  # a node of the graph, and which of its forward outputs


class Engine:
    """What `torch.autograd` does with a graph, node by node, in this process's Python."""

    def __init__(self) -> None:
        self.hooks: dict[Edge, list[Hook]] = defaultdict(list)

    def register_hook(self, tensor: torch.Tensor, hook: Hook) -> None:
        """In place of `torch.Tensor.register_hook`."""
        self.hooks[_edge(tensor)].append(hook)

    def backward(self, loss: torch.Tensor) -> None:
        """In place of `torch.Tensor.backward`: adds to the `grad` of every leaf."""
        for (node, _), gradient in self._run([loss], [torch.ones_like(loss)]).items():
            leaf = getattr(node, "variable", None)
            if leaf is not None:
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
        self.hooks.clear()

    def grad(
        self, outputs: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor],
        grad_outputs: Sequence[torch.Tensor | None] | None = None, allow_unused: bool = False, **_: Any,
    ) -> tuple[torch.Tensor | None, ...]:  # fmt: skip
        """In place of `torch.autograd.grad`, for tracing a joint graph."""
        seeds = [torch.ones_like(output) for output in outputs] if grad_outputs is None else grad_outputs
        wanted = [_edge(tensor) for tensor in inputs]
        found = self._run(outputs, seeds, set(wanted))
        return tuple(found.get(edge) for edge in wanted)

    @torch.no_grad()
    def _run(
        self, outputs: Sequence[torch.Tensor], seeds: Sequence[torch.Tensor | None], wanted: set[Edge] | None = None
    ) -> dict[Edge, torch.Tensor]:
        """Gradients at the leaves, or at the `wanted` edges."""
        roots = [(_edge(output), seed) for output, seed in zip(outputs, seeds, strict=True) if seed is not None]
        waits = _dependencies([edge[0] for edge, _ in roots])
        buffers: dict[Any, dict[int, torch.Tensor]] = defaultdict(dict)
        for edge, seed in roots:
            _add(buffers, edge, seed)
        ready = [node for node in dict.fromkeys(edge[0] for edge, _ in roots) if not waits[node]]
        found: dict[Edge, torch.Tensor] = {}
        while ready:
            node = ready.pop()
            gradients = self._hooked(node, buffers.pop(node, {}))
            for place, gradient in gradients.items():
                if (node, place) in wanted if wanted is not None else hasattr(node, "variable"):
                    found[node, place] = gradient
            for (following, place), gradient in zip(node.next_functions, _apply(node, gradients), strict=True):
                if following is None:
                    continue
                if gradient is not None:
                    _add(buffers, (following, place), gradient)
                waits[following] -= 1
                if not waits[following]:
                    ready.append(following)
        return found

    def _hooked(self, node: Any, gradients: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        for place, gradient in gradients.items():
            for hook in self.hooks.get((node, place), ()):
                changed = hook(gradient)
                gradients[place] = gradient if changed is None else changed
        return gradients


def _edge(tensor: torch.Tensor) -> Edge:
    edge = get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def _dependencies(roots: Sequence[Any]) -> Counter[Any]:
    """How many edges of the graph lead to each node."""
    waits, seen, stack = Counter[Any](), set(roots), list(dict.fromkeys(roots))
    while stack:
        for following, _ in stack.pop().next_functions:
            if following is not None:
                waits[following] += 1
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
    return waits


def _add(buffers: dict[Any, dict[int, torch.Tensor]], edge: Edge, gradient: torch.Tensor) -> None:
    """Sum the gradient to the shape and number format of the forward output, as the engine does."""
    node, place = edge
    expected = node._input_metadata[place]
    if gradient.shape != expected.shape:
        gradient = gradient.sum_to_size(expected.shape)
    gradient = gradient.to(expected.dtype)
    there = buffers[node].get(place)
    buffers[node][place] = gradient if there is None else there + gradient


def _apply(node: Any, gradients: dict[int, torch.Tensor]) -> Sequence[torch.Tensor | None]:
    if not node.next_functions:
        return ()
    if not gradients:
        return (None,) * len(node.next_functions)
    given = [gradients.get(place) for place in range(len(node._input_metadata))]
    result = node.apply(*given) if hasattr(node, "apply") else node(*given)
    result = result if isinstance(result, tuple) else (result,)
    count = len(node.next_functions)  # a torch.autograd.Function also returns None for arguments that are no tensors
    if any(gradient is not None for gradient in result[count:]):
        raise NotImplementedError(f"{node.name()}: tensors must be the first arguments of a function of one's own")
    return result[:count]
