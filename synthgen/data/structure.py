"""How a tree of images is meant: class folders, splits, a label file; never by guessing."""

from __future__ import annotations

from collections.abc import Mapping

from synthgen.data.class_names import in_one_spelling
from synthgen.data.doubts import pictured, refuse_doubtful, refuse_without_classes, says_nothing
from synthgen.data.exports import refuse_captions, refuse_exports
from synthgen.data.file_kinds import split_meaning
from synthgen.data.label_files import LabelFile, label_files, split_lists, why_not_read
from synthgen.data.listing import Folder, Listing
from synthgen.data.reading import Passed, Reading, flat, of_classes, of_label_file
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.settings.data import DataSettings


def read_tree(listing: Listing, settings: DataSettings, split: str) -> Reading:
    """The images of a tree with their classes.

    Raises:
        SynthgenError: how it is meant is not plain, or it holds nothing of use. The message has the
            readings that are possible and the option for each.
    """
    tree = _Tree(listing, settings, split)
    folder = listing.root
    if not folder.has("picture"):
        raise SynthgenError(f"{tree.where(folder)}: holds nothing that could be an image")
    if settings.structure == "classes":
        if not any(sub.has("picture") for sub in folder.folders.values()):
            raise SynthgenError(f"{tree.where(folder)}: has no sub-folders with images")
        reading = of_classes(folder, listing.files)
    else:
        reading = tree.read(folder)
    return reading.noted(passed=listing.passed)


class _Tree:
    """What all steps of the reading need."""

    def __init__(self, listing: Listing, settings: DataSettings, split: str) -> None:
        self.root, self.files = listing.root, listing.files
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
            unused = split_lists(folder, self.files) if self.wanted == "auto" else []
            if unused:
                notes.append(f"{name_list(unused)} list images of splits, and are not used: all "
                             "images are read")  # fmt: skip
            return self._inside(folder, folder, found).noted(*notes)
        name = self._chosen(folder, splits)
        others: list[Passed] = [
            ("folders", "beside those of the splits", self.where(sub))
            for key, sub in folder.folders.items() if key not in splits and sub.has("picture")
        ]  # fmt: skip
        inside, own, more = self._unwrapped(splits[name])
        reading = self._inside(inside, folder, own or found)
        if reading.understood.structure == "classes":
            more += _other_classes(inside, splits, name)
        return reading.in_split(name, list(splits)).noted(*notes, *more, passed=others)

    def _why_no_labels(self, folder: Folder) -> str:
        """Why files on the way down to a folder that might have its labels do not give them."""
        way = [self.root]
        for part in folder.parts[len(self.root.parts) :]:
            way.append(way[-1].folders[part])
        said = (why_not_read(step, self.files, list(step.below("picture"))) for step in way)
        return next(filter(None, said), "")

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
        nested = [sub for sub in named.values() if pictured(sub)]
        others = [sub for name, sub in kids.items() if name not in named]
        if not named or (others and not nested):
            return None
        shared = {name for sub in nested for name in pictured(sub)}
        alike = all(shared & set(pictured(sub)) for sub in others)
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
        kids = pictured(folder)
        if found:
            reading = self._labelled(folder, base, found, kids)
            if reading is not None:
                return reading
        refuse_exports(folder, self.files)

        def hint() -> str:
            return self._why_no_labels(folder)

        if not kids:
            refuse_without_classes(folder, self.where(folder), hint)
        refuse_captions(folder, self.files)
        refuse_doubtful(folder, kids, self.where(folder), hint)
        divided = [split_meaning(name) for sub in kids.values() for name in pictured(sub)]
        if divided and None not in divided and not any(s.own("picture") for s in kids.values()):
            meaning = split_meaning(self.split)
            if meaning not in divided:
                raise SynthgenError(f"{self.where(folder)}: no split '{self.split}' in its classes")
            reading = of_classes(folder, self.files, meaning)
            return reading.in_split(str(meaning), sorted({str(each) for each in divided}))
        reading = of_classes(folder, self.files)
        inner = {name for sub in kids.values() for name in pictured(sub)}
        if inner and not any(sub.own("picture") for sub in kids.values()):
            return reading.noted(f"the images in the sub-folders of each class folder "
                                 f"({name_list(sorted(inner), 4)}) are read together")  # fmt: skip
        if len(kids) == 1:
            return reading.noted(f"all images are of the one class '{reading.classes[0]}', the "
                                 "folder that they lie in")  # fmt: skip
        return reading

    def _labelled(
        self, folder: Folder, base: Folder, found: list[LabelFile], kids: Mapping[str, Folder]
    ) -> Reading | None:
        """By the label file; ``None`` if class folders say the same or more."""
        file = self._one_of(found)
        mere = len(kids) == 1 or all(says_nothing(name) for name in kids)
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
            numbered = all(name.isdigit() for name in reading.classes)
            return None if reading.passed or numbered else reading
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


def _other_classes(inside: Folder, splits: Mapping[str, Folder], name: str) -> list[str]:
    """A note on each further split whose class folders are others than those of this one."""
    own = {in_one_spelling(each) for each in pictured(inside)}
    notes = []
    for other, sub in splits.items():
        there = {in_one_spelling(each) for each in pictured(sub)}
        if other != name and there and there != own and not all(map(says_nothing, there)):
            odd = name_list(sorted(there ^ own), 4)
            notes.append(f"the splits '{name}' and '{other}' do not have the same classes: {odd}")
    return notes
