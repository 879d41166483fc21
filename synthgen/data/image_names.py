"""Images by what a label file may call them: whole paths of this machine or of another one, file
names, names without ending or with another, numbers that have lost their zeros."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from synthgen.data.exports import IMAGE_FOLDERS
from synthgen.data.file_kinds import ending, file_kind
from synthgen.data.listing import Parts

Names = dict[str, Parts | None]
"""A name to its image; to ``None`` where several images have it."""


class ImageNames:
    """Finds the image that a label file means."""

    def __init__(self, images: Iterable[Parts], base: Parts) -> None:
        self._images = tuple(images)
        self._below = len(base)
        self._by: Names = {}
        # The longer a name the surer; what two images share names neither.
        whole: dict[str, Parts] = {}
        for parts in self._images:
            below = parts[self._below :]
            whole["/".join(below)] = parts
            for start in range(len(below)):
                name = "/".join(below[start:])
                for short in (name, _without_ending(name)):
                    self._by[short] = None if short in self._by else parts
        self._by.update(whole)

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self._images)

    @cached_property
    def _folded(self) -> Names:
        """The same names, capitals and small letters taken for one."""
        folded: Names = {}
        for name, parts in self._by.items():
            low = name.casefold()
            folded[low] = None if folded.get(low, parts) != parts else parts
        return folded

    @cached_property
    def _numbers(self) -> Mapping[int, Parts | None]:
        """Images by their numbers, where names are numbers alone."""
        found: dict[int, Parts | None] = {}
        for parts in self._images:
            stem = _without_ending(parts[-1])
            if stem.isascii() and stem.isdigit():
                number = int(stem)
                found[number] = None if number in found else parts
        return found

    def find(self, name: Any) -> Parts | None:
        """The image of this name; ``None`` if there is none, or more than one."""
        text = str(name).replace("\\", "/").strip()
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if ".." in parts:  # seen from the label file's folder
            parts = parts[len(parts) - parts[::-1].index("..") :]
        if not parts:
            return None
        found = self._by.get("/".join(parts)) or self._longest(parts, self._by)
        if found is not None:
            return found
        low = [part.casefold() for part in parts]
        found = self._longest(low, self._folded)
        if found is None and _is_picture(low[-1]):
            found = self._longest([*low[:-1], _without_ending(low[-1])], self._folded)
        if found is None and len(parts) == 1 and text.isascii() and text.isdigit():
            found = self._numbers.get(int(text))
        return found

    def _longest(self, parts: Sequence[str], known: Names) -> Parts | None:
        """The image by the longest end of a path that names one."""
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            if name in known:
                found = known[name]
                if found is None or self._contradicts(parts[:start], found, len(parts) - start):
                    return None
                return found
        return None

    def _contradicts(self, before: Sequence[str], found: Parts, matched: int) -> bool:
        """Whether path and image each have a folder of their own before the part that is equal:
        ``cat/1.png`` is not ``dog/1.png``, but may be ``images/1.png``."""
        own = found[self._below : len(found) - matched]
        return bool(before) and any(part.lower() not in IMAGE_FOLDERS for part in own)


def _without_ending(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.rpartition('.')[0] or last}"


def _is_picture(name: str) -> bool:
    return bool(ending(name)) and file_kind(name) == "picture"
