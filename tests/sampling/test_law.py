"""Conditions by the law of real rows: together as they are, exact where balanced, pure functions."""

import itertools

import numpy as np
import pytest
import torch

from synthgen.generators.latents import uniforms
from synthgen.sampling.cells import Cells
from synthgen.sampling.conditions import Drawn, Numbers
from synthgen.sampling.law import Law, OfLaw, balanced, with_values
from synthgen.sampling.planning import make_plan
from synthgen.spec.errors import SynthgenError
from synthgen.spec.vectors import Attributes

FIELD = Attributes(
    ("beard", "male", "age", "hair"), {"age": (0.0, 80.0)}, {"hair": ("red", "blond")}
)


def law(count=400):
    """No woman has a beard, and no beard is red."""
    rng = np.random.default_rng(0)
    male = rng.random(count) < 0.4
    beard = male & (rng.random(count) < 0.5)
    hair = np.where(beard, 1, rng.integers(0, 2, count))
    rows = np.stack([beard, male, rng.uniform(0, 80, count), hair], axis=1).astype(np.float32)
    rows[:20, 1] = np.nan
    return Law({"attributes": rows}, np.zeros(count, dtype=np.int64))


def numbers(count, start=0):
    zeros = np.zeros(count, dtype=np.int64)
    return Numbers(zeros, zeros, np.arange(start, start + count))


def drawn(part, count=2000, start=0):
    return part.at(numbers(count, start))["attributes"].numpy()


def women_with_beards(rows):
    return int(((rows[:, 0] == 1) & (rows[:, 1] == 0)).sum())


def test_attributes_go_together_as_they_do_in_real_rows():
    real = law()
    rows = drawn(OfLaw(real, [[real.of_class(0)]], 5, uniforms))
    assert women_with_beards(rows) == 0
    assert abs(np.nanmean(rows[:, 1]) - np.nanmean(real.columns["attributes"][:, 1])) < 0.04
    # The look-alike: each attribute by itself.
    assert women_with_beards(drawn(Drawn("attributes", FIELD, 5, uniforms))) > 100


def test_a_candidates_row_depends_on_its_numbers_alone():
    real = law()
    part = OfLaw(real, [[real.of_class(0)]], 5, uniforms)
    whole, later = drawn(part, 100), drawn(part, 40, 60)
    np.testing.assert_array_equal(whole[60:], later)
    assert (drawn(OfLaw(real, [[real.of_class(0)]], 6, uniforms), 100) != whole).any()


def test_what_is_not_set_is_drawn_from_rows_that_have_what_is():
    real, fields = law(), {"attributes": FIELD}
    chosen = with_values(real, real.of_class(0), fields, {"beard": 1.0})
    assert (real.columns["attributes"][chosen, 3] == 1).all()  # no beard is red
    near = with_values(real, real.of_class(0), fields, {"age": 40.0})
    assert (np.abs(real.columns["attributes"][near, 2] - 40) <= 8).all()
    every = with_values(real, real.of_class(0), fields, {"beard": 1.0, "male": 0.0})
    assert len(every) == 400  # nobody has these: all rows


def test_every_combination_that_occurs_has_its_rows_and_the_others_are_named():
    real = law()
    found = balanced(real, {"attributes": FIELD}, ("beard", "male", "hair"), ("all",))
    assert found.missing == (
        "beard=yes, male=no, hair=red", "beard=yes, male=no, hair=blond",
        "beard=yes, male=yes, hair=red",
    )  # fmt: skip
    assert len(found.cells.flat) == 5 == len(found.pools[0])
    for name, pool in zip(found.cells.flat, found.pools[0], strict=True):
        rows = real.columns["attributes"][pool]
        told = dict(part.split("=") for part in name.split(", "))
        assert (rows[:, 0] == (told["beard"] == "yes")).all()
        assert (rows[:, 3] == ("red", "blond").index(told["hair"])).all()
    assert "no real row has it" in found.lines()[-1]
    with pytest.raises(SynthgenError, match=r"--balance haire: .*did you mean 'hair'"):
        balanced(real, {"attributes": FIELD}, ("haire",), ("all",))


def test_a_number_is_balanced_in_bands_of_as_many_rows():
    real = law()
    found = balanced(real, {"attributes": FIELD}, ("age",), ("all",))
    sizes = [len(pool) for pool in found.pools[0]]
    assert len(sizes) == 5 and sum(sizes) == 400 and max(sizes) - min(sizes) <= 2


@pytest.mark.parametrize(
    ("rows", "shard", "cells"), [(60, 25, (6,)), (61, 7, (4, 3)), (5, 2, (7,))]
)
def test_cells_have_equal_counts_over_the_plan_and_in_every_shard(rows, shard, cells):
    classes = tuple("abc"[: len(cells)])
    plan = make_plan(
        classes, n=rows, per_class=None, seed=0, splits={"train": 0.8, "test": 0.2},
        bytes_per_image=1, images_per_shard=shard,
    )  # fmt: skip
    parts = Cells(tuple(tuple(f"{name}{k}" for k in range(n)) for name, n in
                        zip(classes, cells, strict=True)))  # fmt: skip
    quotas = np.array([parts.quotas(plan, each) for each in plan.shards])
    starts = [*parts.starts.tolist(), len(parts.flat)]
    for label, (start, end) in enumerate(itertools.pairwise(starts)):
        own = quotas[:, start:end]
        assert own.sum(axis=1).tolist() == [each.quotas[label] for each in plan.shards]
        assert np.ptp(own.sum(axis=0)) <= 1 and (np.ptp(own, axis=1) <= 1).all()


def test_a_candidates_cell_is_told_by_its_number():
    parts = Cells((("a0", "a1", "a2"), ("b0",)))
    places = np.array([0, 1, 2, 3, 2])
    labels, candidates = parts.numbers(places, np.array([5, 0, 1, 9, 2]))
    assert labels.tolist() == [0, 0, 0, 1, 0] and candidates.tolist() == [15, 1, 5, 9, 8]
    np.testing.assert_array_equal(parts.places(labels, candidates), places)
    whole = Cells.whole("xy")
    assert whole.places(np.array([1, 0]), np.array([7, 3])).tolist() == [1, 0]


def test_choices_without_any_rows_are_drawn_alike():
    rows = drawn(Drawn("attributes", FIELD, 1, uniforms))
    assert set(rows[:, 3].tolist()) == {0.0, 1.0} and abs(rows[:, 3].mean() - 0.5) < 0.05
    assert torch.is_tensor(Drawn("attributes", FIELD, 1, uniforms).at(numbers(2))["attributes"])
