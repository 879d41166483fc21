"""Uses that are given images, trained within seconds: settings, and images to train on."""

import numpy as np

TINY = {
    "images": 64, "batch_size": 8, "ticks": 1, "score_samples": 16, "classifier_images": 64,
    "device": "cpu", "precision": "fp32", "resolution": 16,
}  # fmt: skip
"""Settings of a run."""

USES = {
    "super-resolution": {
        "use_options": {"scale": 2},
        "options": {"width": 8, "blocks": 1, "width_d": 8, "pixels": 0.5},
    },
    "inpainting": {"options": {"width": 8, "width_d": 8}},
}
"""Further settings by use."""


def waves(count, seed=0):
    """Waves of colour, ``uint8 [count, 16, 16, 3]``: smooth, so that detail can be guessed."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1) / 16
    found = [
        127.5 + 120 * np.sin(grid @ rng.normal(0, 4, (2, 3)) + rng.uniform(0, 6, 3))
        for _ in range(count)
    ]
    return np.stack(found).astype(np.uint8)
