"""Settings of a small growth, and what must be the same however often it was stopped."""

import hashlib

from synthgen.spec.settings.grow import GrowSettings

NAMES = ("nought", "one", "two")
LABELLED, POOL = 8, slice(4, 60)
"""Of each class: the first few are labelled; half of these are in the pool as well."""


def settings(images, where, **changes):
    return GrowSettings.parse({
        "labelled": str(images / "few"), "unlabelled": str(images / "pool"), "out": str(where),
        "test": str(images / "test"), "test_split": "train", "rounds": 2, "members": 2, "fixmatch": False,
        "steps": 30, "classifier_batch": 32, "width": 8, "per_class": 6, "images": 320,
        "options": {"width": 8, "widest": 8, "latent": 8, "style": 8}, "filters": "none",
        "device": "cpu", "precision": "fp32", "threads": 1, "keep_pool": True, **changes,
    })  # fmt: skip


def bytes_of(out):
    """What must be the same however often a run was stopped."""
    files = [
        *out.glob("*/data/*.parquet"), *out.glob("round-*/samples/data/*.parquet"),
        *out.glob("*/labels.*"), *out.glob("*/classifiers/*"), out / "report.md",
    ]  # fmt: skip
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }
