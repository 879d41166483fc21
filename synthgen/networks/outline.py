"""Networks without their numbers: to know their sizes before memory is taken for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

IN_PLACE = frozenset({"normal_", "uniform_", "fill_", "mul_", "div_", "__imul__", "__itruediv__"})


class _NothingDrawn(TorchFunctionMode):
    """What initialises a tensor in place leaves it as it is.

    On the meta device it would have no effect either, but load torch's compiler to have none, which
    takes a second and more.
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
    """Whatever is built in this block has shapes and no memory."""
    with torch.device("meta"), _NothingDrawn():
        yield
