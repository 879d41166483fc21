"""Verification is the dataset room's own; the stage makes it callable beside the others."""

from __future__ import annotations

from synthgen.dataset.verify import Verification, verify

__all__ = ["Verification", "verify"]
