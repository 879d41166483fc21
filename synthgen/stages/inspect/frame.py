"""The look at images from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.data.sources import open_source
from synthgen.spec.settings.inspect import InspectSettings

if TYPE_CHECKING:
    import pandas as pd


def inspect(data: str, **options: Any) -> pd.DataFrame:
    """A row for each image that training would see, in its order.

    Columns: ``where`` (file or row), ``label`` (class name), ``width`` and ``height`` (of the
    file), ``duplicate_of`` (position of the first image with the same pixels, -1 without),
    ``near_copy`` (bool: nearly the same as an earlier image of its class), then the other columns
    of a table or a label file that are text or numbers. ``attrs["inspection"]`` is what
    ``synthgen inspect --json`` prints.

    Args:
        data: folder, archive, table or hub id.
        options: those of :class:`TrainSettings`, and ``out`` and ``set_aside``.

    Raises:
        SynthgenError: the images cannot be read.
    """
    import pandas as pd

    from synthgen.stages.inspect import stage

    settings = InspectSettings.parse({"data": str(data), **options})
    found, repeated, codes = stage.look(settings)
    source = open_source(settings, settings.split)
    rows = found.rows.tolist()
    frame = pd.DataFrame({
        "where": [source.where(row) for row in rows],
        "label": [found.classes[label] for label in found.labels],
        "width": found.sizes[:, 1],
        "height": found.sizes[:, 0],
        "duplicate_of": np.where(repeated.exact, repeated.first, -1),
        "near_copy": repeated.near,
    })  # fmt: skip
    for column in found.understood.columns:
        if column.kind in ("text", "whole number", "number") and column.name not in frame:
            frame[column.name] = source.values(column.name, rows)
    frame.attrs["inspection"] = stage.examined(settings, found, repeated, codes).to_json()
    return frame
