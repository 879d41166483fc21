"""What the columns beside the images may be read as, by the names that the data give."""

from __future__ import annotations

from collections.abc import Iterable

from synthgen.data.listed import FILES
from synthgen.data.mask_names import MaskNames, mask_names
from synthgen.data.sources import Source, place_here
from synthgen.data.understood import Column
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.joints import mirrored_pairs
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.settings.data import DataSettings


def offered_columns(columns: Iterable[Column]) -> dict[str, Column]:
    """The columns beside the images by the name of a field that they may be; a column of file
    names is one of images."""
    found = {}
    for column in columns:
        name = column.name.removesuffix(FILES)
        found[name] = column if name == column.name else Column(name, "image")
    return found


def offered_fields(columns: Iterable[Column], image: ImageSpec) -> dict[str, Field]:
    """The fields that columns beside images plainly are: attributes, images, masks whose classes
    and joints whose names the data say. Maps are brought to the size of the images.

    Raises:
        SynthgenError: there are views beside solids, and none of the first can be read.
    """
    height, width = image.height, image.width
    found: dict[str, Field] = {}
    beside = offered_columns(columns)
    solids = any(column.kind == "voxels" for column in beside.values())
    for name, column in beside.items():
        if solids and column.kind == "views" and column.offers is None:
            reason = column.fault or "there are none"
            raise SynthgenError(
                f"{reason}; no views of the first solids can be read: mend them, or remove the "
                "views to learn from the solids' silhouettes"
            )
        if column.kind == "image":
            found[name] = Image(height, width, image.channels)
        elif column.kind == "mask" and column.names:
            found[name] = Mask(column.names, height, width)
        elif column.offers is not None:  # attributes, solids, views
            found[name] = column.offers
        elif column.kind == "joints":
            pairs = mirrored_pairs(column.names)
            found[name] = Keypoints(column.names, height, width, column.limbs, pairs)
    return found


def told_names(
    source: Source, column: str, field: Field, settings: DataSettings
) -> MaskNames | None:
    """What the values of a mask's column mean, where that is said."""
    if not isinstance(field, Mask):
        return None
    if source.understood.structure == "coco":  # drawn by its own classes
        own = offered_columns(source.understood.columns).get(column)
        return MaskNames.of(own.names) if own is not None else None
    folder = place_here(settings)
    return mask_names(settings, folder if folder.is_dir() else None)
