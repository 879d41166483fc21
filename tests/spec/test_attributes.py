"""Attributes with choices: what networks are given, what comes back, and what is refused."""

import math

import numpy as np
import pytest
import torch

from synthgen.dataset.codecs.registry import codec_of
from synthgen.spec.kinds import field_from_json, field_to_json
from synthgen.spec.vectors import Attributes

FIELD = Attributes(("old", "hair", "age"), {"age": (0.0, 50.0)}, {"hair": ("red", "blond", "grey")})


def test_a_choice_is_a_number_for_each_and_nought_where_it_is_not_known():
    rows = torch.tensor([[1.0, 2.0, 25.0], [math.nan, math.nan, math.nan], [0.0, 0.0, 50.0]])
    assert FIELD.entering == 5 and FIELD.widths == (1, 3, 1)
    assert FIELD.tensor(rows).tolist() == [[1, -1, -1, 1, 0], [0] * 5, [-1, 1, -1, -1, 1]]
    again, finite = FIELD.rows(FIELD.tensor(rows)[[0, 2]])
    assert again.tolist() == rows[[0, 2]].tolist() and finite.all()


def test_values_are_read_by_name_or_index():
    assert FIELD.read({"hair": "grey", "old": "yes"}).tolist()[:2] == [1, 2]
    assert FIELD.read({"hair": 1}).tolist()[1] == 1
    assert math.isnan(FIELD.read({"hair": None})[1])
    with pytest.raises(ValueError, match="'hair' is one of red, blond, grey, not 'gray'"):
        FIELD.read({"hair": "gray"})
    with pytest.raises(ValueError, match="not 3"):
        FIELD.read({"hair": 3})


def test_it_goes_to_json_and_back_and_old_records_hold():
    assert field_from_json(field_to_json(FIELD)) == FIELD
    plain = Attributes(("a", "b"), {"b": (0.0, 1.0)})
    assert field_to_json(plain) == {
        "kind": "attributes", "names": ["a", "b"], "ranges": {"b": [0.0, 1.0]},
    }  # fmt: skip
    with pytest.raises(ValueError, match="choices of no attribute"):
        Attributes.from_json({"names": ["a"], "choices": {"b": ["x"]}})


def test_cells_have_the_choices_names_and_come_back():
    codec = codec_of(FIELD)
    rows = np.array([[1, 2, 25], [np.nan, np.nan, np.nan]], np.float32)
    cells = codec.encode(rows, lambda images: [])
    assert cells[0] == {"old": 1.0, "hair": 2, "age": 25.0}
    assert cells[1] == {"old": None, "hair": None, "age": None}
    np.testing.assert_array_equal(codec.decode(cells), rows)
    assert codec.feature()["hair"].names == ["red", "blond", "grey"]
    assert codec.check({"old": 1.0, "hair": 7, "age": 1.0}) == "hair is none of its 3 choices"
    assert codec.pictures(rows).shape[0] == 2
