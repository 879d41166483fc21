"""A run that is made on stores and on a disk, and what of it is compared."""

import hashlib

from synthgen.storage.place import place
from synthgen.storage.transfer import files_below

RUN = {"n": 90, "images_per_shard": 30, "splits": {"train": 0.67, "test": 0.33}}


def contents(root):
    """SHA-256 of the card and the shards by name."""
    root = place(root)
    return {
        name: hashlib.sha256((root / name).read_bytes()).hexdigest()
        for name in files_below(root)
        if name.endswith(".parquet") or name == "README.md"
    }
