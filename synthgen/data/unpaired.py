"""Two sets of images that are no pairs: which folder holds those that are made, and which those
that they are made from."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.data.file_kinds import split_meaning
from synthgen.data.listing import Folder, list_folder
from synthgen.data.pairs import chosen_split, keyed
from synthgen.data.sources import place_here
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings


@dataclass(frozen=True)
class TwoFolders:
    """Folders of images below one that holds both."""

    made: str
    """Name of the folder with images like those that are made."""
    source: str
    """Name of the folder with those that they are made from."""
    paired: bool
    """Whether files of one stem are in both."""
    places: tuple[str, str]
    """Where the two lie, in that order, as ``data`` of the settings names them."""

    @property
    def text(self) -> str:
        """What was understood, for a terminal."""
        return (
            f"unpaired: no file of {self.source}/ has the name of one of {self.made}/, so images "
            f"like those of {self.made}/ are made from those of {self.source}/ without pairs "
            f"(--image-column {self.source} for the other way round)"
        )


def two_folders(settings: DataSettings) -> TwoFolders | None:
    """The two folders of images that the data are; ``None`` where they are something else.

    Folders named ``A`` and ``B``, or ``trainA`` and ``trainB``, are taken as images made from A to
    B; of two others ``image_column`` names the one that is made.

    Raises:
        SynthgenError: it names neither of them.
    """
    folder = place_here(settings)
    if settings.structure not in ("auto", "pairs") or not folder.is_dir():
        return None
    root = list_folder(folder).root
    inside, _, _ = chosen_split(root, settings)
    kids = {name: sub for name, sub in inside.folders.items() if sub.has("picture")}
    if inside.files.get("picture"):
        return None
    kids = _of_split(kids, settings.split)
    if len(kids) != 2:
        return None
    made = _made(kids, settings, str(folder))
    if made is None:
        return None
    source = next(name for name in kids if name != made)
    files = [keyed(kids[name], settings) for name in (made, source)]
    whole = settings.data.rstrip("/")
    places = ["/".join((whole, *kids[name].parts)) for name in (made, source)]
    return TwoFolders(made, source, bool(set(files[0]) & set(files[1])), (places[0], places[1]))


def one_of_two(settings: DataSettings, *, made: bool) -> DataSettings:
    """Settings that read one of two folders of images that are no pairs: that of the images that
    are ``made``, or that of those they are made from. Anything else is read as it was.

    Raises:
        SynthgenError: as :func:`two_folders`.
    """
    found = two_folders(settings)
    if found is None or found.paired or {found.made, found.source} <= set(settings.classes or ()):
        return settings
    where = found.places[0 if made else 1]
    return settings.model_copy(update={"data": where, "image_column": None})


def _of_split(kids: dict[str, Folder], split: str) -> dict[str, Folder]:
    """Of ``trainA``, ``trainB``, ``testA``, ``testB`` those of the split; else all."""
    ends = {name: (split_meaning(name[:-1]), name[-1:].lower()) for name in kids}
    if not kids or any(meaning is None or end not in "ab" for meaning, end in ends.values()):
        return kids
    wanted = split_meaning(split)
    return {name: sub for name, sub in kids.items() if ends[name][0] == wanted}


def _made(kids: dict[str, Folder], settings: DataSettings, where: str) -> str | None:
    """Which of two folders has the images that are made; ``None`` where nothing says so."""
    asked = settings.image_column
    if asked is not None:
        if asked in kids:
            return asked
        raise SynthgenError(
            f"{where}: no folder '{asked}' (there are {name_list(kids)}){did_you_mean(asked, kids)}"
        )
    by_end = {name[-1:].lower(): name for name in kids}
    named = all(len(name) == 1 or split_meaning(name[:-1]) is not None for name in kids)
    return by_end["b"] if named and set(by_end) == {"a", "b"} else None
