"""Networks without their numbers: to know their sizes before memory is taken for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

IN_PLACE = frozenset({"normal_", "uniform_", "fill_", "mul_", "div_", "__imul__", "__itruediv__"})


class _NothingDrawn(TorchFunctionMode):
    """While it is active, functions that initialise a tensor in place do nothing.

    Tensors on the meta device hold no numbers to fill. torch would find that out by itself, but
    loads its compiler for it, which takes over a second.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        initialises = getattr(func, "__module__", None) == "torch.nn.init"
        if initialises or getattr(func, "__name__", "") in IN_PLACE:
            return given["tensor"] if "tensor" in given else args[0]
        if func in (torch.randn, torch.rand):
            func = torch.empty
        return func(*args, **given)


@contextmanager
def outline() -> Iterator[None]:
    """Modules built inside of this block have shapes but take no memory."""
    with torch.device("meta"), _NothingDrawn():
        yield
