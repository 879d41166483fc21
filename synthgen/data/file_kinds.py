"""What a file or a folder is, told by its name: picture, table, archive, label file, solid, or a
system's own."""

from __future__ import annotations

import re
from typing import Literal

FileKind = Literal["picture", "table", "archive", "labels", "solid", "beside", "system"]

TABLES = {".parquet", ".pq", ".parq", ".arrow", ".feather"}
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".zst", ".lz4", ".7z",
            ".rar"}  # fmt: skip
SOLIDS = {".binvox"}
LABEL_FILES = {".csv", ".tsv", ".json", ".jsonl", ".ndjson"}

BESIDE = {
    ".txt", ".md", ".rst", ".yaml", ".yml", ".xml", ".html", ".htm", ".ini", ".cfg", ".toml",
    ".log", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ods", ".py", ".ipynb", ".sh", ".bat", ".m",
    ".r", ".cls", ".caption", ".npy", ".npz", ".pkl", ".pt", ".pth", ".safetensors", ".onnx", ".h5",
    ".hdf5", ".mat", ".lmdb", ".sqlite", ".sqlite3", ".md5", ".sha1", ".sha256", ".crc", ".url",
    ".lnk", ".part", ".crdownload", ".tmp", ".bak", ".lock",
    # What cameras, phones and photo programs put beside a picture.
    ".xmp", ".aae", ".thm", ".pp3", ".dop", ".cos", ".on1", ".lrcat", ".lrprev", ".picasa", ".mp",
    ".mov", ".mp4", ".avi", ".m4v", ".mkv", ".webm", ".3gp", ".mts", ".wav", ".mp3", ".m4a", ".gpx",
    ".lrv", ".nfo", ".db",
    # Data sets in forms of their own, and what lies about in folders of programs.
    ".pickle", ".joblib", ".tfrecord", ".tfrecords", ".mdb", ".rec", ".beton", ".bin", ".ckpt",
    ".xlsm", ".numbers", ".pptx", ".ppt", ".cff", ".bib", ".sum", ".c", ".cpp", ".js", ".css",
    ".pyc", ".torrent", ".srt", ".names", ".data", ".lst", ".eml", ".rtf", ".hdf",
}  # fmt: skip
"""Files beside pictures that are passed over by their ending; any other must be a picture."""

BESIDE_NAMES = re.compile(
    r"readme|licen[cs]e|copying|notice|changelog|changes|authors|makefile|dockerfile|source|sources|"
    r"version|citation|credits|.*-ubyte|(data|test)_batch(_\d+)?|batches\.meta|"
    r".*\.tfrecords?-\d+-of-\d+",
    re.IGNORECASE,
)
"""Whole names of files that are no pictures, whatever their ending."""

SYSTEM_FILES = re.compile(
    r"\..*|thumbs(_\w+)?\.db|ehthumbs(_vista)?\.db|desktop\.ini|picasa\.ini|icon\r|~\$.*|"
    r".*\.ds_store|sync\.ffs_(db|lock)|zbthumbnail\.info|folder\.htt|pspbrwse\.jbf|.*~",
    re.IGNORECASE,
)
SYSTEM_FOLDERS = re.compile(
    r"\..*|@(eadir|recycle|recently-snapshot|tmp|sharebin|transcode|__thumb)|__macosx|"
    r"\$recycle\.bin|recycler|system volume information|"
    r"#recycle|#snapshot|"
    r"lost\+found|__pycache__|_vti_cnf|network trash folder|temporary items|found\.\d{3}",
    re.IGNORECASE,
)
"""Folders of operating systems, network drives and editors; ``@eaDir`` holds a NAS' thumbnails."""


def ending(name: str) -> str:
    """A file name's ending in lower case, with its dot; empty if it has none."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""


def file_kind(name: str) -> FileKind:
    """What a file of this name is taken for. Any that is nothing else must be a picture."""
    if SYSTEM_FILES.fullmatch(name):
        return "system"
    last = ending(name)
    if last in TABLES:
        return "table"
    if last in ARCHIVES:
        return "archive"
    if last in LABEL_FILES:
        return "labels"
    if last in SOLIDS:
        return "solid"
    return "beside" if last in BESIDE or BESIDE_NAMES.fullmatch(name) else "picture"


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name belongs to a system and not to its user."""
    return SYSTEM_FOLDERS.fullmatch(name) is not None


SPLITS = {
    "train": {"train", "training", "trn", "trainset", "trainval", "traindata"},
    "test": {"test", "testing", "tst", "testset", "testdata"},
    "validation": {"val", "valid", "validation", "dev", "validate", "valset", "eval", "evaluation",
                   "holdout"},
}  # fmt: skip
"""A split's meaning and the words for it."""

FILLERS = {
    "set", "sets", "data", "dataset", "images", "image", "imgs", "img", "pictures", "photos",
    "pics",
    "seg", "split", "splits", "folder", "dir", "cls", "cropped", "crops", "crop", "resized", "jpg",
    "jpeg", "png", "the", "my", "full", "new", "final", "all", "raw", "original", "out", "output",
    "set1", "classification", "labeled", "labelled", "orig", "clean", "small", "256", "224", "128",
    "64", "32", "part", "subset", "only",
}  # fmt: skip
"""Words that a split folder's name may have beside."""

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def split_meaning(name: str) -> str | None:
    """``"train"``, ``"test"`` or ``"validation"`` for a folder's name such as ``Train``,
    ``training_set``, ``seg_train`` or ``train_images``; ``None`` if it says something else."""
    found = None
    for word in (word.lower() for word in WORDS.findall(name)):
        meaning = next((split for split, words in SPLITS.items() if word in words), None)
        if meaning is not None and found in (None, meaning):
            found = meaning
        elif meaning is not None or not (word in FILLERS or word.isdigit()):
            return None
    return found


def split_in_file_name(parts: tuple[str, ...]) -> str | None:
    """The split that a data file's path speaks of: in its own name, else in a folder's."""
    for part in reversed(parts):
        words = {word.lower() for word in WORDS.findall(part)}
        found = {split for split, names in SPLITS.items() if words & names}
        if len(found) == 1:
            return found.pop()
    return None
