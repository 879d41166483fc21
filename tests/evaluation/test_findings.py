"""Figures to sentences: judged by what real images measure, named by their extractor."""

import pytest
from evaluations import REAL, closeness, entry, evaluation

from synthgen.evaluation.measures import Compared, Measures
from synthgen.evaluation.record import (
    Acceptance,
    Memorisation,
)
from synthgen.evaluation.text import as_markdown, as_text


def test_what_is_as_good_as_real_images_has_nothing_bad_said_of_it():
    found = evaluation()
    assert found.level == "good" and found.verdict == "Nothing stands out beside real images."


def test_a_poor_class_is_named_with_its_figure():
    found = evaluation(entry("cat"), entry("dog", diversity=0.61))
    assert "class 'dog' has 61% of the real diversity: treat with care" in as_text(found)
    assert found.level == "care" and found.verdict == "Use with care: mind diversity."
    found = evaluation(entry("dog", agreement=0.2))
    assert "agrees with 20% of its images, and with 90% of real ones" in as_text(found)
    assert found.verdict == "Do not train on this: its labels are wrong too often."


def test_figures_are_judged_by_real_ones_and_not_by_themselves():
    low = Measures(5.0, 0.1, 0.3, 0.3, 0.3, 0.3)
    hard = entry("cat", agreement=0.4, real_agreement=0.45, compared=Compared(100, low, low))
    assert evaluation(hard, overall=Compared(500, low, low)).level == "good"
    easy = entry("cat", agreement=0.4, compared=Compared(100, low, REAL))
    assert evaluation(easy).level == "care"


def test_of_two_witnesses_of_labels_the_one_that_agrees_less_is_heard():
    doubted = entry("cat", probe_agreement=0.3, real_probe_agreement=0.7)
    found = evaluation(doubted)
    assert "a linear probe agrees with 30% of its images, and with 70% of real ones" in as_text(
        found
    )
    assert found.level == "care"
    both = entry("cat", probe_agreement=0.68, real_probe_agreement=0.7)
    assert "the label classifier and a linear probe agree with the labels" in as_text(
        evaluation(both)
    )


def test_many_poor_classes_share_a_sentence_that_names_the_worst():
    classes = [entry(f"class {number}", diversity=0.4 + number / 50) for number in range(12)]
    lines = [f for f in evaluation(*classes).findings if f.about == "diversity"]
    assert len(lines) == 1 and "12 of 12 classes" in lines[0].text and "4 more" in lines[0].text
    assert "at worst, class 'class 0' has 40% of the real diversity" in lines[0].text


@pytest.mark.parametrize(
    ("share", "searched", "level"), [(0.01, 1000, "good"), (0.06, 1000, "care"), (0.4, 1000, "bad"),
                                     (0.06, 100, "bad")],
)  # fmt: skip
def test_copies_are_counted_for_those_training_images_too_that_were_not_searched(
    share, searched, level
):
    memory = Memorisation("photos", True, 1000, searched, "held out", 1000, 0, closeness(share))
    found = evaluation(memorisation=memory)
    assert next(f.level for f in found.findings if f.about == "memorisation") == level


def test_only_fids_inception_makes_fid():
    assert "FID" not in as_text(evaluation()) and "Fréchet distance" in as_text(evaluation())
    assert "FID: 0.100" in as_text(evaluation(fid=True)) and "KID" in as_text(evaluation(fid=True))


def test_names_are_text_in_the_card():
    card = as_markdown(evaluation(entry("<b>a|b`[x](y)", diversity=0.5)))
    assert "<b>" not in card and "[x](y)" not in card and "&lt;b&gt;a&#124;b" in card


def test_classes_are_a_table():
    found = evaluation(
        entry("cat"), entry("dog", compared=None, agreement=None),
        acceptance=(Acceptance("cat", 30, {"statistics": 10}),),
    )  # fmt: skip
    table = found.to_frame()
    assert list(table.index) == ["cat", "dog"]
    assert table.loc["cat", ["candidates", "kept"]].tolist() == [40, 0.75]
    assert table.loc["cat", "precision"] == table.loc["cat", "real_precision"] == 0.9
    assert table.loc["dog", ["kept", "agreement", "precision"]].isna().all()
