"""New faces, with the attributes that the data have, or without any."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.fields import Field, Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.uses.registry import Offered, Reads, Use, Words

NOTICE = (
    "images of real people need a legal ground (consent, a licence, a law); the faces made are "
    "synthetic and nobody's, and train_distance says how near each is to the nearest training face"
)
SAID = Words(
    "New faces; with attributes (smiling, age, hair) where the data have them.",
    "nothing, or attributes -> image",
    "synthgen train --use faces --data faces --resolution 64 --flip --out runs/faces",
    NOTICE,
)

ATTRIBUTES = "attributes"


class FacesOptions(Settings):
    attributes: bool = Option(True, description="Take the attributes that the data have.")
    least: float = Option(
        0.01, ge=0, lt=0.5, description="Smallest share of rows that a tag must have to be one."
    )


def task(offered: Offered, options: FacesOptions) -> Task:
    """``attributes`` are given, where there are any, and so is a label; ``image`` is made."""
    return given_attributes(offered, taken=options.attributes)


def given_attributes(offered: Offered, *, taken: bool) -> Task:
    """The task of making an image from its label and its attributes, as far as there are any."""
    image = offered.image
    fields: dict[str, Field] = {"image": Image(image.height, image.width, image.channels)}
    if offered.label is not None:
        fields["label"] = offered.label
    if taken and ATTRIBUTES in offered.columns:
        fields[ATTRIBUTES] = offered.columns[ATTRIBUTES]
    given = tuple(name for name in fields if name != "image")
    stratum = "label" if offered.label is not None else None
    return Task(fields, given, ("image",), (("image", *given),), stratum=stratum)


READS = Reads(attributes=lambda options: options.least if options.attributes else None)
USE = Use("faces", SAID, "r3gan", FacesOptions, task, READS)
