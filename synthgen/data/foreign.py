"""Forms of data sets that are not read: what they are, and how to bring them into one that is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from synthgen.data.file_kinds import ending, file_kind
from synthgen.data.listing import Files, Listing, Parts
from synthgen.data.record_files import SPREADSHEETS
from synthgen.spec.errors import SynthgenError

SAVE = "write its images as PNG files into a folder for each class"
TORCHVISION = (
    "torchvision.datasets can open it; then save each image as a PNG file in a folder for its class"
)

FORMS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), what, how)
    for pattern, what, how in (
        (r".*-ubyte(\.gz)?", "a file of MNIST's form (IDX)", TORCHVISION),
        (r"(data|test)_batch(_\d+)?|batches\.meta", "a pickle of CIFAR's form, which is never "
         "opened, as pickles can run programs", TORCHVISION),
        (r"(data|test)_batch(_\d+)?\.bin|(train|test)(_[xy])?\.bin",
         "a binary file of CIFAR's or STL's form", TORCHVISION),
        (r".*\.(pkl|pickle|joblib|dill)", "a pickle, which is never opened, as pickles can run "
         "programs", f"in the program that made it {SAVE}"),
        (r".*\.(pt|pth|ckpt)", "a file of PyTorch, which may be a pickle and is never opened",
         f"load it in PyTorch and {SAVE}"),
        (r".*\.np[yz]", "a file of NumPy arrays",
         f"load it with numpy.load(…, allow_pickle=False) and {SAVE}"),
        (r".*\.mat", "a file of MATLAB", f"load it with scipy.io.loadmat and {SAVE}"),
        (r".*\.(h5|hdf5|hdf)", "an HDF5 file", f"open it with h5py and {SAVE}"),
        (r".*\.tfrecords?(-\d+-of-\d+)?(\.gz)?", "a TFRecord file of TensorFlow",
         "load it with tensorflow_datasets or tf.data and write its images as PNG files into a "
         "folder for each class"),
        (r"(data|lock)\.mdb|.*\.lmdb", "an LMDB database", f"open it with the lmdb package and "
         f"{SAVE}"),
        (r".*\.rec", "a RecordIO file of MXNet", f"unpack it with mxnet's im2rec and {SAVE}"),
        (r".*\.beton", "a file of FFCV", f"from the data it was made of {SAVE}"),
        (r".*\.(sqlite3?|db)", "a database", f"{SAVE}"),
        (r".*\.(mp4|mov|avi|mkv|webm|m4v|mts|3gp)", "a video",
         "take frames out of it, for example with: ffmpeg -i VIDEO -r 1 frames/%05d.png"),
        (r".*\.(pdf|docx?|pptx?)", "a document", "export its images as PNG or JPEG files"),
    )
)  # fmt: skip
"""Names of files, what they are, and what to do."""

PIXEL_COLUMNS = 32
"""A line of a table of text with more columns than this holds pixels."""


def what_is(name: str) -> str | None:
    """What a file of this name is, if it is data in a form that is not read, and what to do."""
    for pattern, what, how in FORMS:
        if pattern.fullmatch(name):
            return f"is {what}; {how}"
    if ending(name) in SPREADSHEETS:
        return (
            "is a spreadsheet, which is not read; save it as CSV with the columns file_name and "
            "label beside the images"
        )
    return None


def refuse_file(path: Path) -> None:
    """Nothing, if a file that is given as the data is of no form that is known here.

    Raises:
        SynthgenError: it is: what to do.
    """
    found = what_is(path.name)
    if found is not None:
        raise SynthgenError(f"{path}: {found}")
    if file_kind(path.name) == "picture":
        raise SynthgenError(
            f"{path}: is a file; if it is an image, name the folder that it lies in"
        )


def refuse_foreign(listing: Listing, where: str) -> None:
    """Nothing, if the folder does not hold a data set in a form that is not read.

    Raises:
        SynthgenError: it does, and has no images.
    """
    root = listing.root
    loose = [parts for parts in root.below("picture") if what_is(parts[-1]) is None][:1]
    others: list[Parts] = [
        *root.below("picture"), *root.below("beside"), *root.below("archive")
    ]  # fmt: skip
    first = next((parts for parts in others if what_is(parts[-1])), None)
    if first is not None and not loose and not root.has("table"):
        raise SynthgenError(f"{listing.files.where(first)}: {what_is(first[-1])}")
    if root.has("picture") or root.has("table"):
        return
    if root.has("archive"):
        inner = next(iter(root.below("archive")))
        raise SynthgenError(
            f"{listing.files.where(inner)}: is an archive, and no image lies beside it; unpack it"
        )
    for parts in root.below("labels"):
        _refuse_pixels(parts, listing.files)
    raise SynthgenError(f"{where}: holds nothing that could be an image")


def _refuse_pixels(parts: Parts, files: Files) -> None:
    """Nothing, if a file of text does not hold images itself."""
    raw = files.read(parts)
    if not isinstance(raw, bytes) or ending(parts[-1]) not in (".csv", ".tsv"):
        return
    lines = raw[: 1 << 20].decode("utf-8", errors="replace").splitlines()[:2]
    longest = max((max(_counts(line)) for line in lines), default=0)
    if longest > PIXEL_COLUMNS or (lines and len(lines[-1]) > 1000):
        raise SynthgenError(
            f"{files.where(parts)}: seems to hold the pixels of images as text, which is not read; "
            f"{SAVE}"
        )
    raise SynthgenError(
        f"{files.where(parts)}: is a table without its images; name the folder that holds both"
    )


def _counts(line: str) -> Sequence[int]:
    return [line.count(sign) for sign in (",", ";", "\t", " ")]
