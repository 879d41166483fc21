"""Whether a file on a store has the bytes of another, without fetching it where that can be."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from synthgen.storage.place import Place
from synthgen.storage.store_path import StorePath

S3_PART = 50 * 2**20
"""Bytes of a part of s3fs' multipart uploads, which decide their ETag."""


def has_content(target: Place, source: Place, size: int, sha256: str) -> bool:
    """Whether ``target`` has the bytes of ``source``, whose size and SHA-256 (hex) are known: by
    the checksum that the store keeps, else by reading it there.

    Raises:
        StoreError: the store fails.
    """
    if not target.is_file() or target.stat().st_size != size:
        return False
    if isinstance(target, StorePath):
        promised = stored_md5(target.asked(lambda: target.store.info(target.path)))
        if promised is not None:
            return promised == md5(source, parts="-" in promised)
    digest = hashlib.sha256()
    with target.open("rb") as file:
        for piece in iter(partial(file.read, 1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest() == sha256


def stored_md5(info: Mapping[str, Any]) -> str | None:
    """The MD5 (hex) that S3 (``ETag``) and GCS (``md5Hash``) keep of a file; that of a multipart
    upload is the parts' and ends in ``-`` and their number. ``None`` where there is none."""
    etag = str(info.get("ETag", "")).strip('"')
    if re.fullmatch(r"[0-9a-f]{32}(-\d+)?", etag):
        return etag
    return base64.b64decode(info["md5Hash"]).hex() if "md5Hash" in info else None


def md5(path: Place, *, parts: bool) -> str:
    """The MD5 (hex) of a file, or what S3 makes of it after an upload in parts of
    :data:`S3_PART`."""
    with path.open("rb") as file:
        if not parts:
            digest = partial(hashlib.md5, usedforsecurity=False)
            return hashlib.file_digest(file, digest).hexdigest()
        each = [
            hashlib.md5(piece, usedforsecurity=False).digest()
            for piece in iter(partial(file.read, S3_PART), b"")
        ]
    return f"{hashlib.md5(b''.join(each), usedforsecurity=False).hexdigest()}-{len(each)}"
