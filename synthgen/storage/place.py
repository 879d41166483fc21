"""A place for files: a :class:`pathlib.Path`, or a path on any fsspec store.

:class:`StorePath` speaks the part of pathlib's language that synthgen uses, so that whoever reads a
dataset or writes one does not ask where it lies. What differs is in ``storage/transfer.py``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from synthgen.spec.credentials import without_credentials
from synthgen.spec.errors import SynthgenError
from synthgen.storage.local import local_path
from synthgen.storage.store_path import StorePath, one_line, protocols

KEY_AND_SECRET = re.compile(r"([^/@\s:]+):([^@\s]+)@(.*)")
"""``KEY:SECRET@bucket/path``, which s3fs itself does not take."""

EXTRA = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""Protocol to the extra of synthgen that brings its client."""


Place = Path | StorePath


def place(where: str | Place) -> Place:
    """The place that a user's text names: a URL with ``://``, else a path of this machine.

    ``KEY:SECRET@`` before the bucket of an ``s3://`` URL is used, and shown nowhere; better is what
    the store's own client reads (``AWS_ACCESS_KEY_ID``, ``~/.aws``, ``gcloud auth``).

    Raises:
        SynthgenError: no such kind of store, its client is not installed, or a query string.
    """
    if not isinstance(where, str):
        return where
    protocol, divided, rest = where.partition("://")
    if not divided:
        return local_path(where)
    if protocol in ("file", "local"):
        return local_path(rest)
    if "?" in rest:
        raise SynthgenError(f"{where}: the URL of a folder has no '?'")
    options: dict[str, Any] = {}
    found = KEY_AND_SECRET.fullmatch(rest)
    if found and EXTRA.get(protocol) == "s3":
        options = {"key": unquote(found[1]), "secret": unquote(found[2])}
        rest = found[3]
    from fsspec.core import url_to_fs

    try:
        store, path = url_to_fs(f"{protocol}://{rest}", **options)
    except ImportError as error:
        extra = EXTRA.get(protocol)
        hint = f"pip install 'synthgen[{extra}]'" if extra else str(error)
        raise SynthgenError(f"{protocol}://: its client is not installed: {hint}") from None
    except Exception as error:
        raise SynthgenError(f"{where}: {one_line(error)}") from None
    shown = without_credentials(where).rstrip("/")
    return StorePath(store, str(path).rstrip("/"), shown)


def lies_in(inner: Place, folder: Place) -> bool:
    """Whether ``inner`` is ``folder`` or lies below it, by whatever links."""
    if isinstance(inner, StorePath) and isinstance(folder, StorePath):
        same = protocols(inner.store) & protocols(folder.store)
        return bool(same) and f"{inner.path}/".startswith(f"{folder.path}/")
    if isinstance(inner, Path) and isinstance(folder, Path):
        return inner.expanduser().resolve().is_relative_to(folder.expanduser().resolve())
    return False


def path_here(where: str | Path, what: str) -> Path:
    """The path of this machine that a user's text names.

    Raises:
        SynthgenError: it is a URL: ``what`` is written to this machine alone.
    """
    found = place(where)
    if isinstance(found, StorePath):
        raise SynthgenError(
            f"{found}: {what} goes into a folder of this machine; copy it from there"
        )
    return found
