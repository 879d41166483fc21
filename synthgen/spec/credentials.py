"""Text that may hold URLs, without what opens them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BLOT = "***"
USER = re.compile(r"(://)(?:[^/@\s:]+:[^@\s]*|[^/@\s]+)@")
"""A user, or user and password. A password may hold slashes, as the secret keys of S3 do."""
SIGNED = re.compile(
    r"([?&;][^=&\s]*(?:sig|token|key|secret|credential|pass|auth)[^=&\s]*=)[^&\s'\"]+",
    re.IGNORECASE,
)


def without_credentials(text: str) -> str:
    """``text`` with users and passwords of its URLs, and signatures in them, blotted out."""
    return SIGNED.sub(rf"\1{BLOT}", USER.sub(rf"\1{BLOT}@", text))


def blotted(record: Mapping[str, Any]) -> dict[str, Any]:
    """``record`` with every text in it, and in mappings in it, fit to be written down; anything
    else as it is."""
    return {key: _blotted(value) for key, value in record.items()}


def _blotted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return blotted(value)
    return without_credentials(value) if isinstance(value, str) else value
