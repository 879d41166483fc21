"""Membership inference: how well an attack tells the images that were trained on from others.

The attack looks at a learner's answers alone. By its loss: Yeom et al. 2018, arXiv:1709.01604,
section 3.2. Against how hard an image is anyhow, as learners that saw neither kind answer: Watson
et al. 2021, arXiv:2111.08440, section 3, which is the offline attack of Carlini et al. 2022,
arXiv:2112.03570, section VI-C, without its variances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FALSE_POSITIVES = 0.01
"""Share of the other images that may be taken for members where the true ones are counted."""


@dataclass(frozen=True)
class Membership:
    """How well scores tell members from others. All figures are 0 to 1; an attack that knows
    nothing has an area and a balanced accuracy of 0.5 and finds 0.01 of the members."""

    area: float
    """Under the curve of true over false positives: the probability that a member scores above
    another image, ties counted half."""
    balanced_accuracy: float
    """Mean share of right answers on members and on others, with a threshold that was chosen on the
    other half of the images."""
    found: float
    """Share of the members above all but 1 % of the others: Carlini et al. 2022, section III-B."""
    members: int
    others: int

    def told(self) -> str:
        """The figures, for a cell of a table."""
        return f"{self.area:.3f} / {self.balanced_accuracy:.3f} / {self.found:.3f}"


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How sure a learner is of each image's label, ``float64 [N]``: log p - log(1 - p).

    It orders images as the loss does, the other way round, and has no ties where p is nearly 1
    (Carlini et al. 2022, section VI-A). ``logits float [N, K]``, ``labels int64 [N]``.
    """
    values = np.asarray(logits, dtype=np.float64)
    rows = np.arange(len(values))
    own = values[rows, labels]
    rest = values.copy()
    rest[rows, labels] = -np.inf
    top = rest.max(axis=1)
    found: np.ndarray = own - top - np.log(np.exp(rest - top[:, None]).sum(axis=1))
    return found


def attack(members: np.ndarray, others: np.ndarray) -> Membership:
    """How well scores ``float [N]`` of members, higher where they are taken for such, tell them
    from scores ``float [M]`` of others.

    Raises:
        ValueError: there are fewer than two of one kind, or a score is no finite number.
    """
    if len(members) < 2 or len(others) < 2:
        raise ValueError("an attack needs two members and two others")
    if not (np.isfinite(members).all() and np.isfinite(others).all()):
        raise ValueError("a score of an attack is no finite number")
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, "left")
    ties = np.searchsorted(ordered, members, "right") - below
    area = float((below + ties / 2).mean() / len(others))
    allowed = int(FALSE_POSITIVES * len(others))
    bound = ordered[len(others) - 1 - allowed]
    halves = [(members[at::2], others[at::2]) for at in range(2)]
    accuracies = [
        _balanced(*halves[1 - at], _threshold(*halves[at])) for at in range(2)
    ]  # fmt: skip
    return Membership(
        area, sum(accuracies) / 2, float((members > bound).mean()), len(members), len(others)
    )


def calibrated(scores: np.ndarray, references: Sequence[np.ndarray]) -> np.ndarray:
    """Scores ``float64 [N]`` less the mean of those that learners gave which saw none of the
    images, ``[N]`` each.

    Raises:
        ValueError: there is no such learner.
    """
    if not references:
        raise ValueError("name a learner that saw none of the images")
    found: np.ndarray = scores - np.mean(np.stack(references), axis=0)
    return found


def _threshold(members: np.ndarray, others: np.ndarray) -> float:
    """The score from which on images are best taken for members."""
    values = np.unique(np.concatenate([members, others]))
    right = 1 - np.searchsorted(np.sort(members), values, "left") / len(members)
    wrong = 1 - np.searchsorted(np.sort(others), values, "left") / len(others)
    return float(values[np.argmax(right - wrong)])


def _balanced(members: np.ndarray, others: np.ndarray, threshold: float) -> float:
    return float(((members >= threshold).mean() + (others < threshold).mean()) / 2)
