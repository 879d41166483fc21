"""Figures to plain sentences, and sentences to a verdict.

Nothing is judged by itself: every limit is a share of what real images measure against other real
images, or the share that chance gives with so many images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from synthgen.evaluation.attributes import attribute_findings
from synthgen.evaluation.edit_findings import edit_findings
from synthgen.evaluation.parts import part_findings
from synthgen.evaluation.record import ClassEvaluation, Evaluation, Finding, Level
from synthgen.evaluation.repeats import USUAL

CARE, BAD = 0.7, 0.3
"""Diversity and label agreement, as shares of the real images', under which a class is named."""

CARE_SHARE, BAD_SHARE = 0.5, 0.15
"""Precision and coverage, as shares of the real images', under which a class is named: they vary
more than diversity."""

CARE_TIMES, BAD_TIMES, MOST_TIMES = 3.0, 20.0, 50.0
"""Copies and repeats, as multiples of the real images' share."""

NEARLY_ALL = 0.9
"""A share of copies or repeats that is bad if it is beyond that of real images at all: where those
have over 2 %, no share could be fifty times as much."""

NAMED = 3
"""Classes with a sentence of their own; more than these share one."""

VERDICTS = {
    "memorisation": "it replays its training images",
    "repetition": "it repeats itself",
    "diversity": "it shows far less than real images do",
    "coverage": "it leaves out most of what real images show",
    "realism": "its images do not look like real ones",
    "labels": "its labels are wrong too often",
}


def judged(found: Evaluation) -> Evaluation:
    """The evaluation with its findings, the worst first, and the verdict over them."""
    findings = sorted(
        [
            *_memorisation(found), *_repetition(found), *_diversity(found), *_coverage(found),
            *_realism(found), *_labels(found), *_originals(found), *edit_findings(found.edits),
            *attribute_findings(found.attributes), *part_findings(found.parts),
        ],
        key=lambda finding: ("bad", "care", "good").index(finding.level),
    )  # fmt: skip
    with_findings = replace(found, findings=tuple(findings))
    return replace(with_findings, verdict=_verdict(with_findings))


def _verdict(found: Evaluation) -> str:
    about = list(dict.fromkeys(f.about for f in found.findings if f.level == found.level))
    if found.level == "bad":
        return f"Do not train on this: {_listed([VERDICTS[name] for name in about])}."
    if found.level == "care":
        return f"Use with care: mind {_listed(about)}."
    return "Nothing stands out beside real images."


def _memorisation(found: Evaluation) -> Iterator[Finding]:
    memory, near = found.memorisation, found.memorisation.near
    if memory.agrees:  # such an image is as near to a training image as its given row is
        return
    whose = "training images" if memory.known else f"images of {memory.training}"
    copied = memory.copies / max(1, memory.rows)
    same = (
        f"; {memory.copies:,} of {memory.rows:,} ({copied:.1%}) are the same pixel for pixel"
        if memory.copies
        else ""
    )
    if near is None:
        if memory.copies:
            level: Level = "bad" if copied > BAD_TIMES * USUAL else "care"
            yield Finding(level, "memorisation", f"it repeats {whose}{same}")
        return
    level = _beyond(near.share, near.real_share, near.images)
    # Of copies of images that were not searched nothing shows.
    copies = (near.share - near.real_share) * memory.total / memory.searched
    if copied > BAD_TIMES * USUAL or (level != "good" and copies > BAD_TIMES * USUAL):
        level = "bad"
    figures = (
        f"{near.share:.1%} of its images come closer to one of the {whose} than nearly all real "
        f"images that were not trained on do ({near.real_share:.1%} of those come so close){same}"
    )
    if level == "bad":
        yield Finding(level, "memorisation", f"the generator replays its {whose}: {figures}")
    elif level == "care" or memory.copies:
        yield Finding("care", "memorisation", figures)
    else:
        yield Finding(
            "good",
            "memorisation",
            f"no sign of copying: {near.share:.1%} of its images come very close to one of the "
            f"{whose}, and {near.real_share:.1%} of unseen real images do",
        )


def _repetition(found: Evaluation) -> Iterator[Finding]:
    twice, near = found.duplicates, found.duplicates.near
    exact, usual = twice.exact / max(1, twice.rows), twice.real_exact / max(1, twice.real_rows)
    level = _beyond(exact, usual, twice.rows)
    if twice.exact and level != "bad":
        level = "care"
    if twice.exact:
        yield Finding(
            level,
            "repetition",
            f"{twice.exact:,} of {twice.rows:,} images ({exact:.1%}) repeat another one pixel for "
            f"pixel; of the real images {usual:.1%} do",
        )
    if near is None:
        return
    # Images a little smoother than real ones lie closer together; those that repeat lie in heaps.
    level = _beyond(near.share, near.real_share, near.images, bad=MOST_TIMES)
    text = (
        f"{near.share:.1%} of its images nearly repeat another one, and {near.real_share:.1%} of "
        "as many real images do"
    )
    if level != "good":
        yield Finding(level, "repetition", text)
    elif not twice.exact:
        yield Finding("good", "repetition", f"few repeats: {text}")


def _diversity(found: Evaluation) -> Iterator[Finding]:
    def share(entry: ClassEvaluation) -> float | None:
        if entry.diversity is None:
            return None
        return entry.diversity / (entry.real_diversity or 1.0)

    yield from _by_class(
        found, "diversity", share, CARE, BAD,
        lambda entry, value: f"class '{entry.name}' has {value:.0%} of the real diversity",
        "have far less diversity than real images",
        "every class is as diverse as its real images, or nearly",
    )  # fmt: skip


def _coverage(found: Evaluation) -> Iterator[Finding]:
    def share(entry: ClassEvaluation) -> float | None:
        pair = entry.compared
        return _ratio(pair.made.coverage, pair.real.coverage) if pair else None

    def words(entry: ClassEvaluation, value: float) -> str:
        assert entry.compared is not None
        return (
            f"class '{entry.name}' comes near {entry.compared.made.coverage:.0%} of its real "
            f"images, and as many other real images near {entry.compared.real.coverage:.0%}"
        )

    whole = found.overall
    if whole and whole.made.recall < CARE_SHARE * whole.real.recall:
        yield Finding(
            "care",
            "coverage",
            f"{whole.made.recall:.0%} of the real images lie among its images (recall), and "
            f"{whole.real.recall:.0%} of them among as many other real images: it varies less",
        )
    yield from _by_class(
        found, "coverage", share, CARE_SHARE, BAD_SHARE, words,
        "leave out much of what their real images show",
        "every class covers most of what its real images show",
    )  # fmt: skip


def _realism(found: Evaluation) -> Iterator[Finding]:
    def share(entry: ClassEvaluation) -> float | None:
        pair = entry.compared
        return _ratio(pair.made.precision, pair.real.precision) if pair else None

    def words(entry: ClassEvaluation, value: float) -> str:
        assert entry.compared is not None
        text = (
            f"{entry.compared.made.precision:.0%} of the images of class '{entry.name}' lie among "
            f"its real ones, and {entry.compared.real.precision:.0%} of other real images"
        )
        far = entry.compared.other_class_distance
        if far is not None and entry.compared.made.frechet_distance > far:
            text += f"; they are farther from them than real '{entry.compared.other_class}' are"
        return text

    yield from _by_class(
        found, "realism", share, CARE_SHARE, BAD_SHARE, words,
        "have many images unlike any real one",
        "images of every class lie among the real ones",
    )  # fmt: skip


def _labels(found: Evaluation) -> Iterator[Finding]:
    """By whichever agrees less: the bundle's classifier, which filters, or the linear probe."""

    def witnesses(entry: ClassEvaluation) -> list[tuple[float, str, float, float]]:
        pairs = (
            ("the label classifier", entry.agreement, entry.real_agreement),
            ("a linear probe", entry.probe_agreement, entry.real_probe_agreement),
        )
        return [
            (own / real, who, own, real)
            for who, own, real in pairs
            if own is not None and real is not None and real > 0
        ]

    def share(entry: ClassEvaluation) -> float | None:
        return min(witnesses(entry))[0] if witnesses(entry) else None

    def words(entry: ClassEvaluation, value: float) -> str:
        _, who, own, real = min(witnesses(entry))
        return (
            f"class '{entry.name}': {who} agrees with {own:.0%} of its images, and with "
            f"{real:.0%} of real ones"
        )

    heard = {who for entry in found.classes for _, who, _, _ in witnesses(entry)}
    agree = "agrees" if len(heard) == 1 else "agree"
    yield from _by_class(
        found, "labels", share, CARE, BAD, words,
        "have labels that are often not agreed with",
        f"{' and '.join(sorted(heard, reverse=True))} {agree} with the labels as with real images' "
        "labels, or nearly",
    )  # fmt: skip


@dataclass(frozen=True)
class _Poor:
    entry: ClassEvaluation
    value: float
    level: Level


def _originals(found: Evaluation) -> Iterator[Finding]:
    for each in found.restorations:
        nearer = each.made.psnr > each.toughest.psnr
        yield Finding("good" if nearer else "care", "originals", each.sentence())


def _by_class(
    found: Evaluation,
    about: str,
    share: Callable[[ClassEvaluation], float | None],
    care: float,
    bad: float,
    words: Callable[[ClassEvaluation, float], str],
    together: str,
    well: str,
) -> Iterator[Finding]:
    """A sentence for each poor class, or one for all if they are many, or that there is none."""
    values = [(entry, share(entry)) for entry in found.classes]
    known = [(entry, value) for entry, value in values if value is not None]
    poor = sorted(
        (_Poor(entry, value, "bad" if value < bad else "care")
         for entry, value in known if value < care),
        key=lambda item: item.value,
    )  # fmt: skip
    if not poor:
        if known:
            yield Finding("good", about, well)
        return
    if len(poor) <= NAMED:
        for item in poor:
            text = words(item.entry, item.value)
            yield Finding(
                item.level, about, f"{text}: treat with care" if item.level == "care" else text
            )
        return
    names = _listed([f"'{item.entry.name}'" for item in poor[:8]], len(poor) - 8)
    yield Finding(
        poor[0].level,
        about,
        f"{len(poor)} of {len(known)} classes {together}: {names}; at worst, "
        f"{words(poor[0].entry, poor[0].value)}",
    )


def _ratio(value: float, real: float) -> float | None:
    """``None`` where real images measure nothing themselves."""
    return value / real if real > 0 else None


def _beyond(share: float, usual: float, count: int, bad: float = BAD_TIMES) -> Level:
    """Whether a share is more than chance, and then some, beyond that of real images."""
    expected = max(usual, USUAL)
    chance = 3 * (expected * (1 - expected) / max(1, count)) ** 0.5
    if share <= CARE_TIMES * expected + chance:
        return "good"
    return "bad" if share > min(bad * expected + chance, NEARLY_ALL) else "care"


def _listed(names: Sequence[str], more: int = 0) -> str:
    """``a, b and c``, or ``a, b and 7 more``."""
    parts = [*names, f"{more} more"] if more > 0 else list(names)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
