"""What data offer decides what is given: views of their own, silhouettes of the solids, nothing."""

import pytest

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, find_use

USE = find_use("views-to-3d")
SOLID, SEEN = Voxels(8), Views(3, 20, 20, 3, (0.0, 90.0, 200.0))


def task(columns, **options):
    offered = Offered(ImageSpec(16, 16, 1), Label(("a", "b")), columns)
    return USE.task(offered, USE.options.parse(options))


def test_views_of_the_data_are_given_as_they_are():
    found = task({"voxels": SOLID, "views": SEEN})
    assert found.given == ("views",) and found.made == ("image", "voxels") and not found.derived
    assert found.fields["views"] == Views(3, 8, 8, 3, SEEN.angles)
    assert set(found.streams[0]) == {"image", "label", "voxels", "views"} and found.agrees
    assert Task.from_json(found.to_json()) == found


def test_silhouettes_are_derived_of_solids_without_views():
    found = task({"voxels": SOLID}, views=6)
    assert found.fields["views"].angles == (0.0, 60.0, 120.0, 180.0, 240.0, 300.0)
    assert found.derived == {"views": Derived("silhouettes", ("voxels",))}
    assert "views" not in found.streams[0]


def test_solids_may_be_made_of_nothing_and_learnt_from_silhouettes_alone():
    free = task({"voxels": SOLID, "views": SEEN}, given="nothing")
    assert free.given == ("label",) and "voxels" in free.streams[0] and not free.agrees
    alone = task({})
    assert alone.given == ("label",) and alone.fields["voxels"] == SOLID
    assert alone.streams == (("image", "label"),)
    assert task({}, side=12).fields["voxels"] == Voxels(12)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"voxels": SOLID, "views": Views(4, 8, 8, 1)}, {}, "views without angles: add a column"),
        ({"views": SEEN}, {}, "no solids to learn from"),
        ({"voxels": SOLID}, {"side": 16}, "the solids have 8 x 8 x 8"),
    ],
)
def test_mistakes_are_told_in_one_line(columns, options, said):
    with pytest.raises(SynthgenError, match=said) as caught:
        task(columns, **options)
    assert "\n" not in str(caught.value)
