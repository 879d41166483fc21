"""The audit counts flips exactly, and says so in one line where they are too many."""

import numpy as np
import pytest

from synthgen.spec.errors import SynthgenError
from synthgen.stages.adapt.audit import Audit, Verdicts, audit_of, refuse_flips
from synthgen.stages.adapt.readers import pseudo_labels

CLASSES = ("a", "b", "c")
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])


def audited(auditor, target, limit=0.1):
    return audit_of(Verdicts(LABELS, np.array(auditor), np.array(target)), CLASSES, 0.9, limit)


def test_a_flip_is_where_both_name_the_same_other_class():
    auditor = [0, 1, 1, 1, 1, 1, 2, 2, 0, 0]
    target_ = [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]
    found = audited(auditor, target_)
    assert found.flipped == 2 / 10  # rows 1 and 8
    assert found.denied_by_auditor == 6 / 10 and found.denied_by_target == 5 / 10
    assert found.denied_by_both == 4 / 10
    assert [(t.own, t.shown, t.rows, t.of) for t in found.worst] == [
        ("a", "b", 1, 4),
        ("c", "a", 1, 3),
    ]
    named = Verdicts(LABELS, np.array(auditor), np.array(target_)).named_by
    assert named.tolist() == [2, 0, 0, 1, 2, 1, 1, 2, 0, 0]


def test_readers_that_err_apart_raise_no_alarm_and_a_permutation_does():
    apart = audited((LABELS + 1) % 3, (LABELS + 2) % 3)
    assert apart.flipped == 0 and apart.denied_by_both == 1 and not apart.alarm
    turned = audited((LABELS + 1) % 3, (LABELS + 1) % 3)
    assert turned.flipped == 1 and turned.alarm
    assert sum(each.rows for each in turned.worst) == len(LABELS)


def test_the_limit_is_what_is_still_allowed():
    one = [1, *LABELS[1:]]
    assert not audited(one, one, limit=0.1).alarm and audited(one, one, limit=0.09).alarm
    refuse_flips(audited(one, one), "audit.md", guards=True)


@pytest.mark.parametrize(
    ("guards", "mend"), [(True, "more --images"), (False, "leave out --no-guards")]
)
def test_the_line_says_which_class_and_what_to_do(guards, mend):
    found = audited((LABELS + 1) % 3, (LABELS + 1) % 3)
    with pytest.raises(SynthgenError) as fault:
        refuse_flips(found, "runs/x/audit.md", guards=guards)
    text = str(fault.value)
    assert "\n" not in text and mend in text and "runs/x/audit.md" in text
    assert "100% of 10" in text and "4 of 4 of 'a' show 'b'" in text


def test_a_record_is_read_as_it_was_written():
    found = audited((LABELS + 1) % 3, LABELS)
    assert Audit.from_json(found.to_json()) == found
    assert "| the auditor denies the label | 100.0% |" in found.text()


def test_no_class_goes_without_pseudo_labels():
    chances = np.full((40, 3), 0.1, np.float32)
    chances[:, 0] = 0.8
    chances[7:9] = 0.75, 0.01, 0.7
    named = pseudo_labels(chances)
    sizes = np.bincount(named, minlength=3)
    assert sizes.min() == 8 and sizes.sum() == 40
    assert (named[7:9] == 2).all(), "the likeliest of a class come first"
    assert (pseudo_labels(np.eye(3, dtype=np.float32)[LABELS]) == LABELS).all()
