"""Fields that are computed from others: the same function in training, in sampling and in checks.

A derivation takes the stored rows of the fields it is computed ``of`` and, for each row, as many
numbers between 0 and 1 as it ``draws``; it gives stored rows of its field. In training the numbers
are random, in sampling a pure function of the candidate. Other packages register theirs by entry
point (``synthgen.derivations``: a name to a :class:`Derivation`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from synthgen.spec.baselines import ENLARGED, FILLED, Baseline
from synthgen.spec.drawings import lines_agree, sketch
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field
from synthgen.spec.maps import Mask
from synthgen.spec.plugins import plugins

if TYPE_CHECKING:
    from torch import Tensor

    from synthgen.spec.task import Task

GROUP = "synthgen.derivations"
OWN = "own"
"""The derivation of what a row has itself, before anything else is asked for."""
GREY = 127
"""What stands in place of pixels that are not known."""
STROKES = 6
"""Strokes of a brush that make a hole."""


class Compute(Protocol):
    """Rows of ``field`` from rows ``of`` others and ``draws float32 [N, k]`` in (0, 1)."""

    def __call__(
        self, field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]
    ) -> Tensor: ...


@dataclass(frozen=True)
class Derivation:
    """A way to compute a field."""

    compute: Compute
    draws: int = 0
    """Numbers that it takes for each row."""
    agree: Callable[[Tensor, Tensor], Tensor] | None = None
    """How far stored rows that were derived again agree with those that were given: ``float32 [N]``
    in [0, 1]. ``None``: by the mean difference of their values."""
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    """Of one that is of an image: plain ways back to the image, by what they are called."""
    within: int | None = None
    """Of one that hides places of an image: the place, among what it is of, of the mask of them."""


def find_derivation(name: str) -> Derivation:
    """The derivation of this name.

    Raises:
        SynthgenError: there is none.
    """
    if name in OURS:
        return OURS[name]
    found = plugins(GROUP, "derivation")
    if name not in found:
        known = [*OURS, *found]
        hint = did_you_mean(name, known)
        raise SynthgenError(f"no derivation '{name}' (known: {name_list(known)}){hint}")
    loaded: Derivation = found[name].load()
    return loaded


def restorable(task: Task) -> list[str]:
    """The given fields that are derived from the image, and that there is a plain way back from."""
    return [
        name for name in task.given
        if (derived := task.derived.get(name)) is not None
        and task.pictured in derived.of and find_derivation(derived.by).baselines
    ]  # fmt: skip


def draws_of(task: Task) -> int:
    """Numbers that a row takes for all its derived fields together."""
    return sum(find_derivation(derived.by).draws for derived in task.derived.values())


def derive(task: Task, rows: Mapping[str, Tensor], draws: Tensor) -> dict[str, Tensor]:
    """The rows with all derived fields that are not among them, in the task's order.

    Args:
        task: whose ``derived`` fields are computed, each from those before it.
        rows: stored rows by field.
        draws: ``float32 [N, draws_of(task)]`` in (0, 1).
    """
    found, start = dict(rows), 0
    for name, derived in task.derived.items():
        derivation = find_derivation(derived.by)
        part = draws[:, start : start + derivation.draws]
        start += derivation.draws
        if name not in found and all(source in found for source in derived.of):
            of = [found[source] for source in derived.of]
            found[name] = derivation.compute(task.fields[name], of, part, derived.options)
    return found


def _own(field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]) -> Tensor:
    """What the one field holds, as it is."""
    return of[0]


def _area_down(
    field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]
) -> Tensor:
    """An image made smaller: each pixel the mean of the block it covers, to the nearest level."""
    from torch.nn.functional import avg_pool2d

    (images,) = of  # uint8 [N, H, W, C]
    height, width, _ = field.stored()[1]
    block = images.shape[1] // height, images.shape[2] // width
    if (height * block[0], width * block[1]) != tuple(images.shape[1:3]):
        raise SynthgenError(
            f"images of {images.shape[1]}x{images.shape[2]} px have no whole blocks that make "
            f"{height}x{width} px"
        )
    means = avg_pool2d(images.permute(0, 3, 1, 2).float(), block)
    return means.round().clamp(0, 255).byte().permute(0, 2, 3, 1)


def _hole(field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]) -> Tensor:
    """A mask of 1 where pixels are missing: a box, strokes of a brush, or one side of the image.

    Options: ``shapes`` (of ``box``, ``brush``, ``side``; each as likely), ``least`` and ``most``:
    the box's side and what is cut off a side, as shares of the image's.
    """
    import torch

    assert isinstance(field, Mask)
    shapes = list(options.get("shapes", ("box", "brush", "side")))
    low, high = float(options.get("least", 0.25)), float(options.get("most", 0.5))
    height, width = field.height, field.width
    rows = torch.arange(height, device=draws.device)[None, :, None]
    columns = torch.arange(width, device=draws.device)[None, None, :]
    size = low + (high - low) * draws[:, 1:3]
    made = {}
    tall, wide = ((size[:, i] * side).round() for i, side in enumerate((height, width)))
    top = (draws[:, 3] * (height - tall + 1)).floor()[:, None, None]
    left = (draws[:, 4] * (width - wide + 1)).floor()[:, None, None]
    down, right = rows >= top, columns >= left
    made["box"] = (
        down & (rows < top + tall[:, None, None]) & right & (columns < left + wide[:, None, None])
    )
    cut_rows, cut_columns = tall[:, None, None], wide[:, None, None]
    which = (draws[:, 5] * 4).floor()[:, None, None]
    none = torch.zeros_like(made["box"])
    made["side"] = torch.where(
        which == 0, (rows < cut_rows) | none, torch.where(
            which == 1, (rows >= height - cut_rows) | none, torch.where(
                which == 2, (columns < cut_columns) | none, (columns >= width - cut_columns) | none
            ),
        ),
    )  # fmt: skip
    made["brush"] = _strokes(draws[:, 6:], height, width, low)
    chosen = (draws[:, 0] * len(shapes)).floor().clamp(max=len(shapes) - 1)[:, None, None]
    hole = none
    for number, shape in enumerate(shapes):
        hole = torch.where(chosen == number, made[shape], hole)
    return hole.byte()


def _strokes(draws: Tensor, height: int, width: int, share: float) -> Tensor:
    """Points within a brush of a chain of lines, each from where the last one ended."""
    import torch

    side = min(height, width)
    rows = torch.arange(height, device=draws.device)[None, :, None] + 0.5
    columns = torch.arange(width, device=draws.device)[None, None, :] + 0.5
    start_y, start_x = draws[:, 0] * height, draws[:, 1] * width
    radius = (0.03 + 0.05 * draws[:, 2])[:, None, None] * side + 0.5
    hole = torch.zeros(len(draws), height, width, dtype=torch.bool, device=draws.device)
    for stroke in range(STROKES):
        angle, length = draws[:, 3 + 2 * stroke] * 2 * math.pi, draws[:, 4 + 2 * stroke]
        reach = (share + length * 0.3) * side
        end_y = (start_y + reach * angle.sin()).clamp(0, height)
        end_x = (start_x + reach * angle.cos()).clamp(0, width)
        along_y, along_x = (end_y - start_y)[:, None, None], (end_x - start_x)[:, None, None]
        off_y, off_x = rows - start_y[:, None, None], columns - start_x[:, None, None]
        span = (along_y.square() + along_x.square()).clamp(min=1e-6)
        at = ((off_y * along_y + off_x * along_x) / span).clamp(0, 1)
        gap = (off_y - at * along_y).square() + (off_x - at * along_x).square()
        hole |= gap <= radius.square()
        start_y, start_x = end_y, end_x
    return hole


def _masked(
    field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]
) -> Tensor:
    """An image whose pixels in the hole are grey."""
    images, hole = of  # uint8 [N, H, W, C], uint8 [N, H, W]
    return images.masked_fill(hole[..., None] > 0, GREY)


def _edges(field: Field, of: Sequence[Tensor], draws: Tensor, options: Mapping[str, Any]) -> Tensor:
    """A mask of 1 where an image changes: the Sobel gradient of its grey values, in levels, is at
    least ``threshold`` (Sobel & Feldman 1968)."""
    import torch
    from torch.nn.functional import conv2d, pad

    (images,) = of
    grey = images.float().mean(dim=3)[:, None]
    kernel = torch.tensor([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]]) / 8
    kernels = torch.stack([kernel, kernel.t()])[:, None].to(images.device)
    slopes = conv2d(pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    return (slopes.square().sum(dim=1).sqrt() >= float(options.get("threshold", 24.0))).byte()


OURS: Mapping[str, Derivation] = {
    OWN: Derivation(_own),
    "area_down": Derivation(_area_down, baselines=ENLARGED),
    "hole": Derivation(_hole, draws=9 + 2 * STROKES),
    "masked": Derivation(_masked, baselines=FILLED, within=1),
    "edges": Derivation(_edges),
    "sketch": Derivation(sketch, agree=lines_agree),
}
