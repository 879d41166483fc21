"""When a way can help: functions of what was found that say why, in words, or ``None``."""

from __future__ import annotations

from synthgen.evaluation.association import STRONG, Association
from synthgen.stages.advise.facts import Beside, Facts

UNEVEN = 3.0
"""The largest class over the smallest from which on classes have a long tail."""

FEW = 200
"""Images of a class up to which teachers' answers on samples may be worth a try; measured +0.4
points at 100, -0.5 at 500."""

ENOUGH = 500
"""Images of a class from which on more labels are of little use to a learner."""

PLAIN_LEAST = 50
"""Images of a class under which a GAN of these images loses to a weighted loss."""

POOL_LEAST = 2.0
"""A pool is worth labelling if it has so many times the images that have labels."""


def shares(facts: Facts) -> str | None:
    """The images must stay where they are."""
    if not facts.private:
        return None
    few = (f"; with {min(facts.counts):,} images in the smallest class it may learn them by heart: "
           "read docs/privacy.md before you pass it on"
           if min(facts.counts) < ENOUGH else "")  # fmt: skip
    return f"the images must not be passed on, as you say; a generator, or samples, may be{few}"


def another_look(facts: Facts) -> Beside | None:
    """The target, else the pool, where it has another look than the data."""
    return next((e for e in (facts.target, facts.pool) if e is not None and e.another), None)


def adapts(facts: Facts) -> str | None:
    """The images of the place of use look otherwise, and the data say what theirs show."""
    other = another_look(facts)
    if other is None or not facts.labelled:
        return None
    return f"{other.path}: {other.told()}; your labels are of the data's look"


def recolours(facts: Facts) -> str | None:
    """The images of the place of use look otherwise, and the data have masks alone."""
    other = another_look(facts)
    if other is None or facts.labelled or not facts.masks:
        return None
    return f"{other.path}: {other.told()}; no translation here carries masks along"


def intervenes(facts: Facts) -> str | None:
    """The background tells the class."""
    if facts.corners is None or not facts.corners.telling:
        return None
    return (
        f"the corners alone tell the class of {facts.corners.share:.0%} of the images (a guess: "
        f"{facts.corners.guess:.0%}): a learner can take the background for the thing, and fails "
        "where it changes; look whether the corners do show background"
    )


def more_alike(facts: Facts) -> Beside | None:
    """The pool, else the target, where it has the look of the data and enough that is new."""
    least = POOL_LEAST * facts.images
    return next((e for e in (facts.pool, facts.target)
                 if e is not None and not e.another and e.new >= least), None)  # fmt: skip


def grows(facts: Facts) -> str | None:
    """Few labels, and many more images like them."""
    pool = more_alike(facts)
    if pool is None or not facts.labelled or facts.usual >= ENOUGH:
        return None
    return (
        f"{facts.usual:,} labelled images of a class, and {pool.new:,} in {pool.path} without "
        f"labels that are not among them; {pool.told()}"
    )


def shortcut(facts: Facts) -> Association | None:
    """What goes together so strongly that a learner may take one for the other, though some rows
    show them apart."""
    return next((each for each in facts.associations
                 if each.strength >= STRONG and not each.always), None)  # fmt: skip


def edits(facts: Facts) -> str | None:
    """An attribute goes together with the label, and can be changed."""
    found = shortcut(facts)
    if found is None:
        return None
    return (
        f"{found.first} and {found.second} go together (Cramer's V {found.strength:.2f}: "
        f"{found.usual}), the rarest combination has {found.rarest:,} rows: a learner may take one "
        "for the other"
    )


def borrows(facts: Facts) -> str | None:
    """A generator that saw more images of the classes comes with the package."""
    if facts.shared is None or facts.usual > FEW:
        return None
    return (
        f"the bundled generator {facts.shared} makes your classes, learnt from images that look "
        f"like yours, and saw many more than your {facts.usual:,} of a class"
    )


def translates(facts: Facts) -> str | None:
    """Each image has a partner."""
    if not facts.partners:
        return None
    return (
        f"each image has a partner ({', '.join(facts.partners)}): what makes one of the other "
        "turns further images of the given kind, which are often cheaper, into pairs"
    )


def lays_out(facts: Facts) -> str | None:
    """Masks are there, and layouts can be changed."""
    names = ", ".join(facts.masks)
    can = "photographs can be made of layouts that no image has, drawn or moved by you"
    return f"masks are there ({names}): {can}, with their masks beside them" if names else None


def poses(facts: Facts) -> str | None:
    """Joints are there, and poses can be changed."""
    if not facts.joints:
        return None
    return f"{len(facts.joints)} joints of each row: images can be made of poses that few rows have"


def tells(facts: Facts) -> str | None:
    """Captions are there, and can be put together anew."""
    if facts.captions is None or facts.labelled:
        return None
    return f"{facts.captions}: words can be put together as no caption has them"


def weighs(facts: Facts) -> str | None:
    """A long tail."""
    if not facts.labelled or facts.uneven < UNEVEN:
        return None
    least, most = (choose(facts.classes, key=lambda each: each[1]) for choose in (min, max))
    return f"'{most[0]}' has {most[1]:,} images and '{least[0]}' {least[1]:,}"


def fills(facts: Facts) -> str | None:
    """A long tail whose rarest class is not too small for a GAN."""
    if weighs(facts) is None or min(facts.counts) < PLAIN_LEAST:
        return None
    return (
        f"the smallest class has {min(facts.counts):,} images, so a GAN may learn it; whether its "
        "samples help is not known before they are measured against the weighted loss"
    )


def labels_some(facts: Facts) -> str | None:
    """Nothing says what the images show."""
    beside = (facts.masks, facts.joints, facts.partners, facts.captions, facts.attributes)
    if facts.labelled or any(beside):
        return None
    return "no image has a label, so there is nothing that a classifier could learn"


def collects(facts: Facts) -> str | None:
    """Few labels, and no further images."""
    alone = facts.pool is None and facts.target is None and facts.shared is None
    if not facts.labelled or not alone or facts.usual >= ENOUGH:
        return None
    return f"{facts.usual:,} images of a class, and nothing beside them"


def asks_teachers(facts: Facts) -> str | None:
    """Few images of each class, with nothing that would do more."""
    more = (adapts, intervenes, grows, edits, borrows, weighs)
    if not facts.labelled or facts.usual > FEW or facts.usual < 20:
        return None
    if any(way(facts) for way in more):
        return None
    return f"{facts.usual:,} images of each class, about as many in all of them"


def has_plenty(facts: Facts) -> str | None:
    """Enough labels of every class, of the right look."""
    if not facts.labelled or facts.usual < ENOUGH or facts.uneven >= UNEVEN:
        return None
    if any(way(facts) for way in (adapts, intervenes, edits)):
        return None
    return f"{min(facts.counts):,} to {max(facts.counts):,} labelled images of a class, of one look"


def has_nothing_new(facts: Facts) -> str | None:
    """Plain sampling of the same images was asked about by everybody."""
    if not facts.labelled:
        return None
    return "a GAN trained on your images alone knows no more of the world than they do"


def is_too_small(facts: Facts) -> str | None:
    """A rare class that a GAN cannot learn."""
    if weighs(facts) is None or min(facts.counts) >= PLAIN_LEAST:
        return None
    few = [name for name, count in facts.classes if count < PLAIN_LEAST]
    return (
        f"{len(few)} of {len(facts.classes)} classes have fewer than {PLAIN_LEAST} images, too few "
        "for a GAN to know more than a weighted loss gets out of them"
    )


def looks_alike(facts: Facts) -> str | None:
    """The target looks like the data."""
    if facts.target is None or facts.target.another or facts.target.apart is None:
        return None
    return f"{facts.target.path}: {facts.target.told()}"


def is_the_same(facts: Facts) -> str | None:
    """The pool holds hardly anything that the data do not."""
    if facts.pool is None or facts.pool.another or facts.pool.new >= POOL_LEAST * facts.images:
        return None
    return f"{facts.pool.path}: about {facts.pool.new:,} images that the data do not have"
