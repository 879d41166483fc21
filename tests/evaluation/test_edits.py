"""How edits turned out: shares, errors, ranks and identity, and where they are told."""

from dataclasses import replace

import numpy as np
import pytest
from evaluations import evaluation

from synthgen.evaluation.edits import edit_lines, measured_edits
from synthgen.evaluation.findings import judged
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_markdown, as_text
from synthgen.spec.vectors import Attributes

FIELD = Attributes(("hat", "age"), {"age": (0.0, 90.0)})
OWN = np.array([[0, 20], [0, 30], [1, 40], [np.nan, 50]], dtype=np.float32)
ASKED = np.array([[1, 20], [1, 60], [1, 10], [1, 80]], dtype=np.float32)
IDENTITY = np.array([1.0, 0.96, 0.4, 0.95])


def edits(said, identity=IDENTITY):
    return measured_edits(FIELD, np.array(said, dtype=np.float32), ASKED, OWN, identity)


def test_what_was_asked_for_and_what_was_to_stay_are_told_apart():
    hat, age = edits([[1, 22], [0, 50], [1, 20], [1, 70]]).attributes
    assert (hat.images, hat.kept_images, hat.kept, hat.rank) == (3, 1, 1.0, None)
    assert hat.asked == pytest.approx(2 / 3)
    assert (age.images, age.asked, age.kept_images, age.kept) == (3, 10.0, 1, 2.0)
    assert age.rank == pytest.approx(1.0)
    assert edits([[1, 22], [0, 50], [1, 20], [1, 70]]).identity == 0.75


def test_a_reader_that_sees_no_edit_is_the_look_alike():
    untouched = edits(np.nan_to_num(OWN))
    hat, age = untouched.attributes
    assert hat.asked == 0 and hat.kept == 1 and age.rank < 0.5
    assert edits([[1, 5], [1, 5], [1, 5], [1, 5]]).attributes[1].rank is None
    backwards = edits([[1, 80], [1, 20], [1, 90], [1, 10]]).attributes[1]
    assert backwards.rank == pytest.approx(-1.0)


def test_they_are_in_text_and_card_and_come_back_from_json():
    found = judged(replace(evaluation(), edits=edits([[1, 22], [0, 50], [1, 20], [1, 70]])))
    lines = list(edit_lines(found.edits))
    assert lines[0] == "edits of hat: asked for and read 66.7% of 3; to stay and read 100.0% of 1"
    assert "rank correlation 1.00" in lines[1] and lines[2].startswith("75% of 4 images are nearer")
    assert lines[0] in as_text(found) and "| hat | 66.7% of 3 |" in as_markdown(found)
    assert Evaluation.from_json(found.to_json(), "here") == found
    assert [f.level for f in found.findings if "their source" in f.text] == ["care"]
    assert "edits" not in evaluation().to_json() and list(edit_lines(None)) == []
