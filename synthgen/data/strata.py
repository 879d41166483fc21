"""The images of some classes, or all in one class, whatever lies beside them."""

from __future__ import annotations

from synthgen.data.cache import ImageData, load_images
from synthgen.data.records import in_one_class, open_for, open_rows, without_labels
from synthgen.data.sources import Source, open_source
from synthgen.data.understood import FLAT_CLASS
from synthgen.data.unpaired import one_of_two
from synthgen.spec.settings.data import DataSettings


def open_strata(settings: DataSettings, *, beside: bool = False) -> tuple[DataSettings, Source]:
    """The settings and the source that :func:`load_strata` reads.

    Raises:
        SynthgenError: it cannot be opened.
    """
    settings = one_of_two(settings, made=True) if beside else settings
    if settings.classes != (FLAT_CLASS,):
        opened = (
            open_for(settings, "image", {}) if beside else open_source(settings, settings.split)
        )
        return settings, opened
    plain = without_labels(settings)
    source = open_for(plain, "image", {}) if beside else open_rows(plain)
    return plain, in_one_class(source)


def load_strata(settings: DataSettings, *, beside: bool = False) -> ImageData:
    """Images of the classes that are wanted; where that is the one class :data:`FLAT_CLASS`, of
    all rows, whatever their labels. ``beside``: rows may have something beside the images, or
    be one of two sets of images that are no pairs.

    Raises:
        SynthgenError: as :func:`load_images`.
    """
    asked, source = open_strata(settings, beside=beside)
    return load_images(asked, source=source)
