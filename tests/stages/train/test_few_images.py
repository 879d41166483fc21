"""So few images that a generator cannot be scored."""

import numpy as np
import pytest

from synthgen.data.splits import hold_out
from synthgen.spec.errors import SynthgenError
from synthgen.stages.train.setup import refuse_too_few


@pytest.mark.parametrize("count", [4, 5, 12, 14])
def test_what_the_message_advises_is_enough(count):
    labels = np.zeros(count, dtype=np.int64)
    with pytest.raises(SynthgenError, match="--holdout") as fault:
        refuse_too_few("pets", *hold_out(labels, 0.1, 0))
    share = float(str(fault.value).split("--holdout ")[1].split(",")[0])
    refuse_too_few("pets", *hold_out(labels, share, 0))


def test_two_images_are_too_few_whatever_is_held_out():
    with pytest.raises(SynthgenError, match="two are needed; add images"):
        refuse_too_few("pets", *hold_out(np.zeros(2, dtype=np.int64), 0.5, 0))


def test_two_classes_of_a_dozen_are_enough():
    refuse_too_few("pets", *hold_out(np.repeat([0, 1], 12), 0.1, 0))
