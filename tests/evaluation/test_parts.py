"""The table of parts, and what is said of it."""

from dataclasses import replace

from evaluations import evaluation

from synthgen.evaluation.findings import judged
from synthgen.evaluation.parts import part_findings, part_table
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report.figures import beside_real
from synthgen.evaluation.text import as_markdown, as_text

REAL = {"sky": (30, 0.9), "road": (40, 0.7), "pole": (4, 0.2)}


def table(**made):
    return part_table("mask", "IoU", {name: (20, value) for name, value in made.items()}, REAL)


def levels(found):
    return [finding.level for finding in part_findings(found)]


def test_the_mean_is_of_the_parts_that_both_have():
    found = table(sky=0.9, road=0.5, kerb=0.1)
    whole = found[0]
    assert (whole.part, whole.images, whole.real_images) == ("", 20, 40)
    assert (whole.value, round(whole.real_value, 6)) == (0.7, 0.8)
    assert [(e.part, e.real_value) for e in found[1:]] == [
        ("sky", 0.9),
        ("road", 0.7),
        ("kerb", None),
    ]
    assert part_table("mask", "IoU", {}, REAL) == ()
    alone = part_table("mask", "IoU", {"sky": (3, 0.4)}, None)
    assert alone[0].value == 0.4 and alone[0].real_value is None and levels(alone) == []


def test_it_is_named_by_how_much_less_is_read_than_off_real_images():
    assert levels(table(sky=0.9, road=0.6)) == ["good"]
    assert levels(table(sky=0.7, road=0.3)) == ["care"]
    assert levels(table(sky=0.5, road=0.1)) == ["bad"]
    assert "least of all road (0.10 for 0.70)" in next(part_findings(table(sky=0.5, road=0.1))).text
    assert levels(table(pole=0.01)) == []  # which it does not read off real ones either
    few = part_table("mask", "IoU", {"sky": (3, 0.1)}, REAL)
    assert levels(few) == []


def test_it_is_in_text_card_page_and_comes_back_from_json():
    parts = table(sky=0.5, road=0.1)
    found = judged(replace(evaluation(), parts=parts))
    assert found.level == "bad" and "labels are wrong too often" in found.verdict
    assert "mask, mean (IoU): 0.300, 20 images (real 0.800)" in as_text(found)
    assert "| mask: road (IoU) | 0.100 | 0.700 |" in as_markdown(found)
    assert "mask: road (IoU)" in "".join(map(str, beside_real(found)))
    assert Evaluation.from_json(found.to_json(), "here").parts == parts
