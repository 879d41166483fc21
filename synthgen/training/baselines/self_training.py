"""Self-training: a classifier's own labels of unlabelled images, where it is surest.

Pseudo-labels of Lee 2013, of each class the surest share, as in Zou et al. 2018 (arXiv:1810.07911,
class-balanced self-training).
"""

from __future__ import annotations

import numpy as np

SUREST = 0.5
"""Share of the pool images of each predicted class that are learnt from."""


def surest(probabilities: np.ndarray, share: float = SUREST) -> tuple[np.ndarray, np.ndarray]:
    """Rows, sorted ``int64``, of the images of each predicted class that are the surest, and the
    predicted class ``int64 [P]`` of every image.

    ``probabilities float [P, K]``; of each class that is predicted at all at least one row.
    """
    labels, trust = probabilities.argmax(axis=1), probabilities.max(axis=1)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = max(1, round(share * len(rows)))
        chosen.append(rows[np.argsort(-trust[rows], kind="stable")[:count]])
    return np.sort(np.concatenate(chosen)), labels.astype(np.int64)
