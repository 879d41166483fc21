"""Folders of which it is not plain whether they are classes: the readings and the options."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from synthgen.data.exports import IMAGE_FOLDERS
from synthgen.data.file_kinds import split_meaning
from synthgen.data.listing import Folder
from synthgen.spec.errors import SynthgenError, name_list

RUNNING_DIGITS = 5
"""Folders of names with so many digits may be portions of one set, numbered, and no classes."""

PORTION = re.compile(
    r"(fold|part|batch|chunk|shard|subset|folder|dir|set|vol|volume|disk|portion)[ _.-]?\d+",
    re.IGNORECASE,
)
"""Names of folders that are portions of one set."""


def refuse_without_classes(folder: Folder, where: str, hint: Callable[[], str]) -> None:
    """Say that a folder holds images and nothing that tells their classes.

    ``hint`` gives why files that look as if they did are not used, or an empty text.

    Raises:
        SynthgenError: always.
    """
    count = len(folder.own("picture"))
    raise SynthgenError(
        f"{where}: holds {count} files but no class folders{hint()}; put the images of "
        "each class into a sub-folder named for the class, write a metadata.csv with the "
        "columns file_name and label beside them, or read them as one class with "
        "--structure flat"
    )


def refuse_doubtful(
    folder: Folder, kids: Mapping[str, Folder], where: str, hint: Callable[[], str]
) -> None:
    """Nothing, if the sub-folders with images are classes without doubt.

    Raises:
        SynthgenError: they may be something else; the message has the option for each reading.
    """
    names = name_list(kids, 4)
    if all(name.lower() in IMAGE_FOLDERS for name in kids) or (
        len(kids) == 1 and all(says_nothing(name) for name in kids)
    ):
        why = f"does '{names}' name a class, or only the folder of the images?"
    elif _running(kids) or (len(kids) > 1 and all(PORTION.fullmatch(name) for name in kids)):
        why = f"are the numbered folders ({names}) classes, or portions of one set?"
    elif len(folder.own("picture")) > sum(sub.count("picture") for sub in kids.values()):
        why = f"most images lie beside the folders {names}, and not in them."
    elif _partly_divided(kids):
        why = f"some of the folders {names} are divided into splits, and others are not."
    elif _two_levels(kids):
        inner = [f"{name}/{sub}" for name, kid in kids.items() for sub in pictured(kid)]
        raise SynthgenError(
            f"{where}: are the classes {names}, or {name_list(inner, 4)}? Read "
            "the outer ones with --structure classes; for the inner ones move them all into "
            "one folder, or name one of the outer folders with --data"
        )
    else:
        return
    raise SynthgenError(
        f"{where}: {why}{hint()} Read the folders as classes with --structure classes, or "
        "all images as one class with --structure flat"
    )


def pictured(folder: Folder) -> dict[str, Folder]:
    """The sub-folders with images."""
    return {name: sub for name, sub in folder.folders.items() if sub.has("picture")}


def says_nothing(name: str) -> bool:
    """Whether a folder's name is none of a class: ``images``, ``00000``."""
    return name.lower() in IMAGE_FOLDERS or (len(name) >= RUNNING_DIGITS and name.isdigit())


def _running(kids: Mapping[str, Folder]) -> bool:
    """Whether folders are numbered portions: no file name occurs in two of them."""
    if len(kids) < 2 or not all(len(n) >= RUNNING_DIGITS and n.isdigit() for n in kids):
        return False
    seen: dict[str, int] = defaultdict(int)
    for sub in kids.values():
        for parts in sub.own("picture"):
            seen[parts[-1]] += 1
    return bool(seen) and max(seen.values()) == 1


def _partly_divided(kids: Mapping[str, Folder]) -> bool:
    """Whether some folders hold nothing but splits, as another data set would, and others not."""
    divided = [
        bool(pictured(sub))
        and not sub.own("picture")
        and all(split_meaning(name) for name in pictured(sub))
        for sub in kids.values()
    ]
    return any(divided) and not all(divided)


def _two_levels(kids: Mapping[str, Folder]) -> bool:
    """Whether every folder has only folders of names of its own: each level may be the classes."""
    inner = [name for sub in kids.values() for name in pictured(sub)]
    return (
        len(kids) > 1
        and len(set(inner)) == len(inner)
        and not any(sub.own("picture") for sub in kids.values())
        and all(len(pictured(sub)) > 1 for sub in kids.values())
        and not any(split_meaning(name) for name in inner)
    )
