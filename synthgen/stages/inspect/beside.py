"""What lies beside the images: every mask, joint and partner is read once, as training reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synthgen.data.cache import ImageData
from synthgen.data.offered import offered_columns, offered_fields
from synthgen.data.own_fields import own_fields
from synthgen.data.records import load_records
from synthgen.data.sources import Source, place_here
from synthgen.spec.fields import Field
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.spec.solids import Views, Voxels
from synthgen.stages.inspect.findings import Warned
from synthgen.stages.train.offered import load_for
from synthgen.uses.registry import find_use

SOLID = ("voxels", "views")


def held_beside(
    settings: DataSettings, data: ImageData, view: Callable[[Source], Source] | None = None
) -> tuple[str, ...]:
    """A line for each column: the classes of masks with their share of all pixels, the joints with
    how often they are seen, images. ``view`` makes columns of what the rows have.

    Raises:
        SynthgenError: a cell cannot be read, or does not fit its image.
    """
    wanted = settings.model_copy(update={"resolution": data.image.height, "min_per_class": 1})
    fields: dict[str, Field] = {}

    def offered(source: Source, images: ImageData) -> dict[str, Field]:
        known, image = source.understood.columns, images.image
        fields.update(offered_fields(known, image))
        fields.update({name: replace(field, height=image.height, width=image.width)
                       for name, field in own_masks(settings).items()
                       if name in offered_columns(known)})  # fmt: skip
        return fields

    records = load_records(wanted, offered, main="image", view=view)
    return tuple(f"column '{n}': {_told(f, records.columns[n])}" for n, f in fields.items())


def own_masks(settings: DataSettings) -> dict[str, Mask]:
    """The masks of data that synthgen itself has written, by column."""
    found = own_fields(place_here(settings))
    return {name: field for name, field in found.items() if isinstance(field, Mask)}


def held_solids(settings: InspectSettings, data: ImageData) -> tuple[tuple[str, ...], list[Warned]]:
    """A line for each column of solids or of views that the use reads, and what may be wrong with
    them; nothing without a use, or where the data have neither.

    Raises:
        SynthgenError: a cell cannot be read, or the use refuses the data.
    """
    if settings.use is None or not any(c.kind in SOLID for c in data.understood.columns):
        return (), []
    wanted = settings.model_copy(update={"resolution": data.image.height, "min_per_class": 1})
    records, task = load_for(wanted, find_use(settings.use))
    fields = {n: f for n, f in task.fields.items() if isinstance(f, Voxels | Views)}
    lines = [f"column '{n}': {_told(fields[n], rows)}"
             for n, rows in records.columns.items() if n in fields]  # fmt: skip
    lines += [f"column '{n}': drawn of '{task.derived[n].of[0]}', {field.count} from "
              f"{_degrees(field)} degrees; the data have none"
              for n, field in fields.items()
              if isinstance(field, Views) and n in task.derived]  # fmt: skip
    return tuple(lines), [Warned("empty views", line, 1) for line in records.warned]


def _degrees(field: Views) -> str:
    return ", ".join(f"{angle:g}" for angle in field.turns)


def _told(field: Field, rows: np.ndarray) -> str:
    if isinstance(field, Mask):
        counts = np.bincount(rows.reshape(-1), minlength=len(field.names))
        shares = [f"{name} {count / rows.size:.1%}"
                  for name, count in zip(field.names, counts.tolist(), strict=True)]  # fmt: skip
        return f"masks of {len(field.names)} classes, of all pixels {', '.join(shares)}"
    if isinstance(field, Keypoints):
        seen = rows[:, :, 2].mean(axis=0).tolist()
        shares = [f"{name} {share:.0%}" for name, share in zip(field.names, seen, strict=True)]
        return f"{len(field.names)} joints, seen: {', '.join(shares)}"
    if isinstance(field, Voxels):
        return f"{len(rows):,} solids of {field}, {rows.mean():.1%} of their voxels filled"
    if isinstance(field, Views):
        return f"{len(rows):,} times {field.count} views from {_degrees(field)} degrees"
    return f"{len(rows):,} images"
