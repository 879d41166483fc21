"""Networks without their numbers: to know their sizes before memory is taken for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWING = (torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.bernoulli_)


class _NothingDrawn(TorchFunctionMode):
    """Initialisers leave their tensors as they are. On the meta device they would have no effect
    either, but load torch's compiler to say so, which takes a second and more."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func in DRAWING or getattr(func, "__module__", None) == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        if func in (torch.randn, torch.rand):
            func = torch.empty
        return func(*args, **given)


@contextmanager
def outline() -> Iterator[None]:
    """Whatever is built in this block has shapes and no memory."""
    with torch.device("meta"), _NothingDrawn():
        yield
