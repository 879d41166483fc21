"""A solid from views of it, or from silhouettes that nobody has paired with solids."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field as Option

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, Use, Words, made_from

SAID = Words(
    "Solids from views of them, or learnt from silhouettes alone, as voxels and meshes.",
    "views -> voxels and a picture of them",
    "synthgen train --use views-to-3d --data solids --out runs/solids",
)

VOXELS, VIEWS = "voxels", "views"
MADE = ("image", VOXELS)
LARGEST = 32
"""Side of grids that are learnt from silhouettes alone, where nothing else is asked for."""


class ViewsTo3dOptions(Settings):
    views: int = Option(
        4, ge=1, le=24,
        description="Silhouettes that are given, a full turn in even steps from the front, where "
        "the data have solids and no views of them.",
    )  # fmt: skip
    given: Literal["views", "nothing"] = Option(
        "views", description="What a solid is made from; 'nothing' makes solids from noise."
    )
    side: int | None = Option(
        None, ge=4, le=128,
        description="Voxels along a side of solids that are learnt from silhouettes alone; "
        "default: half of the image's pixels, at most 32.",
    )  # fmt: skip


def task(offered: Offered, options: ViewsTo3dOptions) -> Task:
    """``views`` are given, ``voxels`` are made, and ``image`` is a picture of them; a label travels
    along. With no solids to learn from, images are silhouettes, and given is a label at most."""
    image = offered.image
    shown = Image(image.height, image.width, image.channels)
    own = [] if offered.label is None else ["label"]
    solid, views = (offered.columns.get(name) for name in (VOXELS, VIEWS))
    if not isinstance(solid, Voxels):
        if views is not None:
            raise SynthgenError(
                "these rows have views and no solids to learn from: add a column 'voxels', or a "
                "folder voxels/ with files .npy or .binvox of the views' names"
            )
        side = options.side or max(4, min(LARGEST, min(image.height, image.width) // 2))
        alone = made_from(offered, {"image": shown}, own)
        return replace(alone, fields={**alone.fields, VOXELS: Voxels(side)}, made=MADE)
    if options.side not in (None, solid.side):
        raise SynthgenError(f"side={options.side}: the solids have {solid}; leave it out")
    fields: dict[str, Field] = {"image": shown, VOXELS: solid}
    if options.given == "nothing":
        return replace(made_from(offered, fields, own), made=MADE)
    size, derived = (solid.side, solid.side), {}
    if isinstance(views, Views):
        if not views.angles:
            raise SynthgenError(
                "views without angles: add a column 'angles' (degrees about the upright axis, a "
                "list for each row), a table views.csv with file_name and angle, or "
                '"angles": [0, 90, …] in solids.json beside the data'
            )
        fields[VIEWS] = Views(views.count, *size, views.channels, views.angles)
    else:
        angles = tuple(360.0 * view / options.views for view in range(options.views))
        fields[VIEWS] = Views(options.views, *size, 1, angles)
        derived = {VIEWS: Derived("silhouettes", (VOXELS,))}
    return replace(made_from(offered, fields, [VIEWS], derived), made=MADE)


USE = Use("views-to-3d", SAID, "voxel", ViewsTo3dOptions, task)
