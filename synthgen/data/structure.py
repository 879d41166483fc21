"""How a tree of images is meant: class folders, splits, a label file; never by guessing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from synthgen.data.exports import IMAGE_FOLDERS, refuse_captions, refuse_exports
from synthgen.data.file_kinds import split_meaning
from synthgen.data.label_files import LabelFile, label_files
from synthgen.data.listing import Files, Folder, Listing
from synthgen.data.reading import Passed, Reading, flat, of_classes, of_label_file
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings

RUNNING_DIGITS = 5
"""Folders of names with so many digits may be portions of one set, numbered, and no classes."""


def read_tree(listing: Listing, settings: DataSettings, split: str) -> Reading:
    """The images of a tree with their classes.

    Raises:
        SynthgenError: how it is meant is not plain, or it holds nothing of use. The message has the
            readings that are possible and the option for each.
    """
    tree = _Tree(listing.files, settings, split)
    folder = listing.root
    if not folder.has("picture"):
        raise SynthgenError(f"{tree.where(folder)}: holds nothing that could be an image")
    if settings.structure == "classes":
        if not any(sub.has("picture") for sub in folder.folders.values()):
            raise SynthgenError(f"{tree.where(folder)}: has no sub-folders with images")
        return of_classes(folder, listing.files)
    reading = tree.read(folder)
    passed = [(what, why, where) for what, why, where in listing.passed]
    return reading.noted(passed=passed)


class _Tree:
    """What all steps of the reading need."""

    def __init__(self, files: Files, settings: DataSettings, split: str) -> None:
        self.files = files
        self.wanted = settings.structure
        self.split = split
        self.column = settings.label_column
        self.classes_given = settings.classes is not None

    def where(self, folder: Folder) -> str:
        return self.files.where(folder.parts)

    def read(self, folder: Folder) -> Reading:
        """The reading of a folder that may have a wrapper around it, splits in it, labels by it."""
        folder, found, notes = self._unwrapped(folder)
        splits = self._splits(folder)
        if splits is None:
            if self.wanted == "splits":
                raise SynthgenError(f"{self.where(folder)}: has no folders of splits")
            return self._inside(folder, folder, found).noted(*notes)
        name = self._chosen(folder, splits)
        others: list[Passed] = [
            ("folders", "beside those of the splits", self.where(sub))
            for key, sub in folder.folders.items() if key not in splits and sub.has("picture")
        ]  # fmt: skip
        inside, own, more = self._unwrapped(splits[name])
        reading = self._inside(inside, folder, own or found)
        return reading.in_split(name, list(splits)).noted(*notes, *more, passed=others)

    def _unwrapped(self, folder: Folder) -> tuple[Folder, list[LabelFile], list[str]]:
        """The folder inside of wrappers, with its label files and a note on each wrapper."""
        notes: list[str] = []
        while True:
            images = list(folder.below("picture"))
            found = label_files(folder, self.files, images)
            kids = [sub for sub in folder.folders.values() if sub.has("picture")]
            if found or folder.files.get("picture") or len(kids) != 1:
                return folder, found, notes
            refuse_exports(folder, self.files) if self.wanted != "flat" else None
            inner = kids[0]
            named = split_meaning(inner.name) is not None and self.wanted != "flat"
            if named or (inner.files.get("picture") and not self._labels_in(inner)):
                return folder, found, notes
            if not inner.files.get("picture"):
                notes.append(
                    f"'{inner.name}' is taken for a folder around the class folders; if it is a "
                    "class, say --structure classes"
                )
            folder = inner

    def _labels_in(self, folder: Folder) -> bool:
        return bool(label_files(folder, self.files, folder.own("picture")))

    def _splits(self, folder: Folder) -> dict[str, Folder] | None:
        """The sub-folders that are splits; ``None`` if there are none.

        Raises:
            SynthgenError: they may be classes as well.
        """
        kids = {name: sub for name, sub in folder.folders.items() if sub.has("picture")}
        if self.wanted == "splits":
            return kids or None
        named = {name: sub for name, sub in kids.items() if split_meaning(name) is not None}
        nested = [sub for sub in named.values() if _pictured(sub)]
        others = [sub for name, sub in kids.items() if name not in named]
        if not named or (others and not nested):
            return None
        shared = {name for sub in nested for name in _pictured(sub)}
        alike = all(shared & set(_pictured(sub)) for sub in others)
        if self.wanted != "flat" and len(nested) == 1 and not alike:
            raise SynthgenError(
                f"{self.where(folder)}: is '{nested[0].name}' a split or a class? Read "
                f"{name_list(sorted(named))} as splits with --structure splits, or "
                f"{name_list(sorted(kids))} as classes with --structure classes"
            )
        return named

    def _chosen(self, folder: Folder, splits: Mapping[str, Folder]) -> str:
        """The name of the split that is asked for, by its name or by its meaning."""
        if self.split in splits:
            return self.split
        meaning = split_meaning(self.split)
        found = [name for name in splits if meaning and split_meaning(name) == meaning]
        if len(found) == 1:
            return found[0]
        if found:
            raise SynthgenError(
                f"{self.where(folder)}: several folders may be the split '{self.split}': "
                f"{name_list(found)}; name one with --split"
            )
        hint = did_you_mean(self.split, splits)
        raise SynthgenError(
            f"{self.where(folder)}: no split '{self.split}' (there are {name_list(splits)}){hint}"
        )

    def _inside(self, folder: Folder, base: Folder, found: list[LabelFile]) -> Reading:
        """The reading of the folder that holds the class folders, or images beside a label file."""
        if self.wanted == "flat":
            return flat(folder, self.where(folder))
        if self.wanted == "labels" and not found:
            raise SynthgenError(f"{self.where(folder)}: has no label file that names its images")
        kids = _pictured(folder)
        if found:
            reading = self._labelled(folder, base, found, kids)
            if reading is not None:
                return reading
        refuse_exports(folder, self.files)
        if not kids:
            self._no_classes(folder)
        refuse_captions(folder, self.files)
        self._refuse_doubtful(folder, kids)
        divided = [split_meaning(name) for sub in kids.values() for name in _pictured(sub)]
        if divided and None not in divided and not any(s.own("picture") for s in kids.values()):
            meaning = split_meaning(self.split)
            if meaning not in divided:
                raise SynthgenError(f"{self.where(folder)}: no split '{self.split}' in its classes")
            reading = of_classes(folder, self.files, meaning)
            return reading.in_split(str(meaning), sorted({str(each) for each in divided}))
        return of_classes(folder, self.files)

    def _labelled(
        self, folder: Folder, base: Folder, found: list[LabelFile], kids: Mapping[str, Folder]
    ) -> Reading | None:
        """By the label file; ``None`` if class folders say the same or more."""
        file = self._one_of(found)
        mere = len(kids) == 1 or all(_says_nothing(name) for name in kids)
        telling = kids and not folder.own("picture") and not mere
        try:
            reading = of_label_file(file, base, folder, self.column, self.classes_given, self.split)
        except SynthgenError:
            if telling and self.wanted == "auto" and self.column is None:
                return None
            raise
        if not telling or self.wanted == "labels" or self.column is not None:
            return reading
        depth = len(folder.parts)
        pairs = {
            (image[depth], reading.classes[label])
            for image, label in zip(reading.images, reading.labels, strict=True)
            if image[depth:]
        }
        same = len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})
        if same:
            return None if reading.passed else reading
        raise SynthgenError(
            f"{self.where(folder)}: the class folders ({name_list(kids, 4)}) and the labels of "
            f"{file.where} ({name_list(reading.classes, 4)}) do not say the same; choose "
            "--structure classes or --structure labels"
        )

    def _one_of(self, found: list[LabelFile]) -> LabelFile:
        """The label file that is meant.

        Raises:
            SynthgenError: there are several.
        """
        meaning = split_meaning(self.split)
        stems = [file.where.replace("\\", "/").rpartition("/")[2].partition(".")[0]
                 for file in found]  # fmt: skip
        usual = [f for f, stem in zip(found, stems, strict=True)
                 if stem.lower() in ("metadata", "labels", "dataset")]  # fmt: skip
        own = [f for f, stem in zip(found, stems, strict=True) if split_meaning(stem) == meaning]
        for chosen in (found, usual, own):
            if len(chosen) == 1:
                return chosen[0]
        raise SynthgenError(
            f"{name_list([file.where for file in found])}: several files name the images; which "
            "one has the labels? Move the others elsewhere"
        )

    def _no_classes(self, folder: Folder) -> None:
        count = len(folder.own("picture"))
        raise SynthgenError(
            f"{self.where(folder)}: holds {count} files but no class folders; put the images of "
            "each class into a sub-folder named for the class, write a metadata.csv with the "
            "columns file_name and label beside them, or read them as one class with "
            "--structure flat"
        )

    def _refuse_doubtful(self, folder: Folder, kids: Mapping[str, Folder]) -> None:
        """Nothing, if the sub-folders with images are classes without doubt.

        Raises:
            SynthgenError: they may be something else; the message has the option for each reading.
        """
        names = name_list(kids, 4)
        if all(name.lower() in IMAGE_FOLDERS for name in kids) or (
            len(kids) == 1 and all(_says_nothing(name) for name in kids)
        ):
            why = f"does '{names}' name a class, or only the folder of the images?"
        elif _running(kids):
            why = f"are the numbered folders ({names}) classes, or portions of one set?"
        elif len(folder.own("picture")) > sum(sub.count("picture") for sub in kids.values()):
            why = f"most images lie beside the folders {names}, and not in them."
        elif _partly_divided(kids):
            why = f"some of the folders {names} are divided into splits, and others are not."
        elif _two_levels(kids):
            inner = [f"{name}/{sub}" for name, kid in kids.items() for sub in _pictured(kid)]
            raise SynthgenError(
                f"{self.where(folder)}: are the classes {names}, or {name_list(inner, 4)}? Read "
                "the outer ones with --structure classes; for the inner ones move them all into "
                "one folder, or name one of the outer folders with --data"
            )
        else:
            return
        raise SynthgenError(
            f"{self.where(folder)}: {why} Read the folders as classes with --structure classes, or "
            "all images as one class with --structure flat"
        )


def _pictured(folder: Folder) -> dict[str, Folder]:
    """The sub-folders with images."""
    return {name: sub for name, sub in folder.folders.items() if sub.has("picture")}


def _says_nothing(name: str) -> bool:
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
        bool(_pictured(sub))
        and not sub.own("picture")
        and all(split_meaning(name) for name in _pictured(sub))
        for sub in kids.values()
    ]
    return any(divided) and not all(divided)


def _two_levels(kids: Mapping[str, Folder]) -> bool:
    """Whether every folder has only folders of names of its own: each level may be the classes."""
    inner = [name for sub in kids.values() for name in _pictured(sub)]
    return (
        len(kids) > 1
        and len(set(inner)) == len(inner)
        and not any(sub.own("picture") for sub in kids.values())
        and all(len(_pictured(sub)) > 1 for sub in kids.values())
        and not any(split_meaning(name) for name in inner)
    )
