"""Advice: look at the images, then say which ways of making data can help, and how."""

from __future__ import annotations

from synthgen.spec.settings.advise import AdviseSettings
from synthgen.stages.advise.advice import Advice, advice_on
from synthgen.stages.advise.look import look

ASKED = ("data", "unlabelled", "target", "private", "field", "seed", "cache_dir")
"""Settings that are no part of how ``train`` reads the data."""

OF_TRAINING = ("mask_names", "min_per_class")
"""Ways of reading that ``train`` has and ``grow`` has not."""


def advise(settings: AdviseSettings) -> Advice:
    """What can help a model that is to learn from the images which ``settings`` name.

    Raises:
        SynthgenError: one of the sets cannot be read.
    """
    reading = settings.typed(without=ASKED), settings.typed(without=(*ASKED, *OF_TRAINING))
    return advice_on(look(settings), *reading)
