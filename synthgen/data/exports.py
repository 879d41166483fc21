"""Exports for other tasks than classes: detection, segmentation, captions. They are named, not
learnt from by mistake."""

from __future__ import annotations

import json
import re

from synthgen.data.file_kinds import ending
from synthgen.data.listing import Files, Folder
from synthgen.spec.errors import SynthgenError

IMAGE_FOLDERS = {"images", "imgs", "image", "img", "jpegimages", "pictures", "photos", "rgb",
                 "input", "inputs", "data", "pics", "frames", "jpg", "jpeg", "jpgs", "png", "pngs",
                 "tif", "tiff", "bmp"}  # fmt: skip
"""Names of folders that say nothing of a class."""

BOX_FOLDERS = {"labels", "label", "annotations", "annotation", "bboxes", "boxes", "xml", "ann",
               "anns", "labeltxt"}  # fmt: skip
MASK_FOLDERS = {"masks", "mask", "segmentationclass", "segmentationobject", "segmentation",
                "segmentations", "gt", "groundtruth", "ground_truth", "targets", "labelmaps",
                "seg_masks", "labelids"}  # fmt: skip

BOX_LINE = re.compile(rb"\s*\d+(\s+-?[\d.eE+-]+){4,}\s*")
"""A line of YOLO's: class number, then four or more coordinates."""

CAPTION_KEYS = {"caption", "url", "key", "status"}
"""What img2dataset writes about every image."""

LOOKED_AT = 20


def refuse_exports(folder: Folder, files: Files) -> None:
    """Nothing, if the folder does not look like an export for another task.

    Raises:
        SynthgenError: it does: what it is, and what can be done.
    """
    where = files.where(folder.parts)
    kids = {name.lower(): name for name in folder.folders}
    pictured = [low for low, name in kids.items() if folder.folders[name].has("picture")]
    images = [kids[low] for low in pictured if low in IMAGE_FOLDERS]
    boxes = [kids[low] for low in kids if low in BOX_FOLDERS and low not in pictured]
    masks = [kids[low] for low in pictured if low in MASK_FOLDERS | BOX_FOLDERS]
    if images and boxes and len(pictured) == len(images):
        _refuse(where, "object detection", f"{images[0]}/ beside {boxes[0]}/")
    if images and masks and len(pictured) == len(images) + len(masks):
        _refuse(where, "segmentation", f"{images[0]}/ beside {masks[0]}/", PAIRS)
    for parts in folder.own("labels"):
        if ending(parts[-1]) == ".json" and _is_coco(files.read(parts)):
            _refuse(where, "object detection (COCO)", parts[-1], COCO)
    if not pictured:
        _refuse_sidecars(folder, files, where)


def refuse_captions(folder: Folder, files: Files) -> None:
    """Nothing, if the sub-folders are not img2dataset's numbered ones.

    Raises:
        SynthgenError: they are.
    """
    for sub in folder.folders.values():
        if sub.name.isdigit():
            _refuse_sidecars(sub, files, files.where(folder.parts))


def _refuse_sidecars(folder: Folder, files: Files, where: str) -> None:
    """Files of the same name as the images, one for each, that say what is in them."""
    stems = {parts[-1].rpartition(".")[0] for parts in folder.own("picture")}
    for kind, last, task in (("beside", ".xml", "object detection (Pascal VOC)"),
                             ("beside", ".txt", "object detection (YOLO)"),
                             ("labels", ".json", "captions (img2dataset)")):  # fmt: skip
        own = [p for p in folder.own("labels" if kind == "labels" else "beside")
               if ending(p[-1]) == last and p[-1].rpartition(".")[0] in stems]  # fmt: skip
        if not own or len(own) * 2 < len(stems):
            continue
        contents = [files.read(parts) for parts in own[:LOOKED_AT]]
        if last == ".json" and all(_is_labelme(content) for content in contents):
            _refuse(where, "object detection or segmentation (LabelMe)", f"{own[0][-1]} beside "
                    "each image")  # fmt: skip
        looked = [_is_of(last, content) for content in contents if isinstance(content, bytes)]
        if looked and all(looked):
            _refuse(where, task, f"{own[0][-1]} beside each image")


def _is_of(last: str, content: bytes) -> bool:
    if last == ".xml":
        return b"<object" in content or b"<bndbox" in content or b"<annotation" in content
    if last == ".txt":
        return all(BOX_LINE.fullmatch(line) for line in content.splitlines() if line.strip())
    try:
        record = json.loads(content)
    except ValueError:
        return False
    return isinstance(record, dict) and len(CAPTION_KEYS & set(record)) >= 2


def _is_labelme(content: object) -> bool:
    try:
        record = json.loads(content) if isinstance(content, bytes) else None
    except ValueError:
        return False
    return isinstance(record, dict) and {"shapes", "imagePath"} <= set(record)


def _is_coco(content: object) -> bool:
    if not isinstance(content, bytes) or b'"annotations"' not in content:
        return False
    try:
        record = json.loads(content)
    except ValueError:
        return False
    return isinstance(record, dict) and {"images", "annotations"} <= set(record)


PAIRS = "to read each image with its mask say --structure pairs; to train by class, "
COCO = "to read masks and joints with the images say --structure coco; to train by class, "


def _refuse(where: str, task: str, sign: str, instead: str = "") -> None:
    raise SynthgenError(
        f"{where}: is an export for {task} ({sign}): it has no class folders, and no class for a "
        f"whole image; {instead}put the images of each class into a folder of its own, export it "
        "again for classification, write a metadata.csv with the columns file_name and label "
        "beside the images, or read all images as one class with --structure flat"
    )
