"""An algorithm that does not fit together is refused when it is built."""

import dataclasses

import pytest

from synthgen.algorithms.registry import build
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b"), ImageSpec(8, 8, 1))


def trained(*sets):
    """The GAN of fully connected layers, with phases that train these sets."""
    built = build("gan", TASK, {})
    phases = tuple(
        dataclasses.replace(built.phases[0], name=f"phase {number}", trains=names)
        for number, names in enumerate(sets)
    )
    return dataclasses.replace(built, phases=phases)


def test_sets_of_phases_may_be_the_same_or_apart():
    assert len(trained(("G",), ("D",), ("G",)).phases) == 3
    assert len(trained(("G", "D"), ("G", "D")).phases) == 2


@pytest.mark.parametrize(
    "sets", [(("G", "D"), ("G",)), (("D",), ("G", "D")), (("G", "D"), ("D", "G"))]
)
def test_sets_that_overlap_are_refused(sets):
    with pytest.raises(SynthgenError, match="'phase 0' and 'phase 1' train networks in common"):
        trained(*sets)


def test_a_misspelt_network_is_named():
    with pytest.raises(SynthgenError, match="trains 'Gen', which is no network"):
        trained(("Gen",), ("D",))
