"""Images of classes: what class-conditional GANs make, or images of one kind without any class."""

from __future__ import annotations

from synthgen.spec.fields import Field, Image
from synthgen.spec.task import Task, label_to_image
from synthgen.uses.registry import NoOptions, Offered, Use, Words

SAID = Words(
    "New images of the classes in the data; of images without classes, more of them.",
    "a label, or nothing -> image",
    "synthgen train --use classes --data photos --out runs/photos",
)


def task(offered: Offered, options: NoOptions) -> Task:
    """A label is given, if there is one; an image is made."""
    image = offered.image
    if offered.label is not None:
        return label_to_image(offered.label.names, image)
    fields: dict[str, Field] = {"image": Image(image.height, image.width, image.channels)}
    return Task(fields, (), ("image",), (("image",),))


USE = Use("classes", SAID, "r3gan", NoOptions, task)
