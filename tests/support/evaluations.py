"""Evaluations of a dataset that does not exist, to judge, to word and to show."""

from dataclasses import replace

from synthgen.evaluation.findings import judged
from synthgen.evaluation.measures import Compared, Measures
from synthgen.evaluation.record import ClassEvaluation, Duplicates, Evaluation, Memorisation
from synthgen.evaluation.repeats import Closeness

REAL = Measures(0.1, 0.0, 0.9, 0.9, 1.0, 0.95)


def closeness(share, real_share=0.01):
    return Closeness(1000, 0.5, share, real_share, (0.0,) * 101, (0.0,) * 101, ())


def entry(name, **changes):
    whole = ClassEvaluation(name, 100, 100, 1.0, 1.0, 0.9, 0.9, Compared(100, REAL, REAL))
    return replace(whole, **changes)


def evaluation(*classes, **changes):
    whole = Evaluation(
        dataset="out", shards="s", extractor="some-network", fid=False, real="photos",
        real_fingerprint="f", seen=False, images=1000, real_images=1000,
        overall=Compared(500, REAL, REAL), classes=classes or (entry("cat"), entry("dog")),
        acceptance=(), duplicates=Duplicates(1000, 0, 1000, 0, closeness(0.01)),
        memorisation=Memorisation("photos", True, 1000, 1000, "held out", 1000, 0, closeness(0.01)),
    )  # fmt: skip
    return judged(replace(whole, **changes))
