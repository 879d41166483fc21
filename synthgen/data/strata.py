"""The images of some classes, or all in one class, whatever lies beside them."""

from __future__ import annotations

from synthgen.data.cache import ImageData, load_images
from synthgen.data.records import in_one_class, open_for, open_rows, without_labels
from synthgen.data.understood import FLAT_CLASS
from synthgen.data.unpaired import one_of_two
from synthgen.spec.settings.data import DataSettings


def load_strata(settings: DataSettings, *, beside: bool = False) -> ImageData:
    """Images of the classes that are wanted; where that is the one class :data:`FLAT_CLASS`, of
    all rows, whatever their labels. ``beside``: rows may have something beside the images, or
    be one of two sets of images that are no pairs.

    Raises:
        SynthgenError: as :func:`load_images`.
    """
    settings = one_of_two(settings, made=True) if beside else settings
    if settings.classes != (FLAT_CLASS,):
        return load_images(settings, source=open_for(settings, "image", {}) if beside else None)
    plain = without_labels(settings)
    source = open_for(plain, "image", {}) if beside else open_rows(plain)
    return load_images(plain, source=in_one_class(source))
