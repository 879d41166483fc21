"""The table of attributes, the worst group, and what is said of it."""

from dataclasses import replace

import numpy as np
from evaluations import evaluation

from synthgen.evaluation.attributes import (
    attribute_findings,
    attribute_lines,
    attribute_table,
    worst_group,
)
from synthgen.evaluation.findings import judged
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_markdown, as_text
from synthgen.spec.vectors import Attributes

FIELD = Attributes(("old", "hair", "age"), {"age": (0.0, 90.0)}, {"hair": ("red", "grey")})


def read(wrong, count=40):
    """What a reader says of rows, of which the share ``wrong`` of the grey ones are said red."""
    rows = np.stack([np.arange(count) % 2, np.arange(count) // 2 % 2, np.full(count, 40)], axis=1)
    rows = rows.astype(np.float32)
    said = rows.copy()
    grey = np.flatnonzero(rows[:, 1] == 1)
    said[grey[: round(len(grey) * wrong)], 1] = 0
    said[:, 2] += 3
    rows[0] = np.nan  # of which nothing is known
    return said, rows


def test_every_value_has_its_share_and_a_number_its_error():
    found = attribute_table(FIELD, read(0.25), read(0.0))
    told = {(e.attribute, e.value): (e.images, e.agreement, e.real_agreement) for e in found}
    assert told == {
        ("old", "no"): (19, 1.0, 1.0), ("old", "yes"): (20, 1.0, 1.0),
        ("hair", "red"): (19, 1.0, 1.0), ("hair", "grey"): (20, 0.75, 1.0), ("age", ""): (39, 3, 3),
    }  # fmt: skip
    worst = worst_group(found)
    assert (worst.attribute, worst.value) == ("hair", "grey")
    assert "hair = grey: read in 75.0% of 20 images (real 100.0%)" in list(attribute_lines(found))
    assert attribute_table(FIELD, read(0.25), None)[0].real_agreement is None


def test_a_group_is_named_by_how_much_less_it_is_seen_than_in_real_images():
    def level(made, real):
        table = attribute_table(FIELD, read(made), read(real))
        return [finding.level for finding in attribute_findings(table)]

    assert level(0.1, 0.0) == ["good"] and level(0.3, 0.0) == ["care"]
    assert level(0.9, 0.0) == ["bad"]
    assert level(0.4, 0.4) == ["good"]  # real ones are read no better
    assert level(0.9, 0.8) == ["good"]  # the reader does not see it in real ones: no witness


def test_the_table_is_in_text_and_card_and_comes_back_from_json():
    table = attribute_table(FIELD, read(0.9), read(0.0))
    found = judged(replace(evaluation(), attributes=table))
    assert found.level == "bad" and "labels are wrong too often" in found.verdict
    assert "worst group: hair = grey" in as_text(found)
    assert "| hair = grey | read in 10.0% | 100.0% |" in as_markdown(found)
    assert Evaluation.from_json(found.to_json(), "here").attributes == table
