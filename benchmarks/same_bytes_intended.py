"""Differences from older commits that are meant, by name, with their reason and their measure.

Each says which files of which runs may differ, and what of them must be the same nevertheless:
whatever else differs in the file is told as a difference like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from benchmarks.same_bytes_files import Unlike
from synthgen.spec.settings.train import TrainSettings


@dataclass(frozen=True)
class Intended:
    """A difference that is meant."""

    name: str
    why: str
    files: str
    """Pattern of ``RUN/PATH`` of the files, whole."""
    same: Callable[[bytes, bytes], bool]
    """Whether two files, the old and the new, differ in this alone; an absent file is empty."""


def _config(old: bytes, new: bytes) -> bool:
    """The task of version 2 says what ``image``, ``classes`` and ``domains`` say in version 1."""
    was, now = json.loads(old), json.loads(new)
    fields = now.pop("task")["fields"]
    images = [field for field in fields.values() if field["kind"] == "image"]
    kinds = [image.pop("shows") for image in images if "shows" in image]
    image = {key: value for key, value in images[0].items() if key != "kind"}
    told = {
        "version": 1, "image": image, "classes": fields["label"]["names"],
        "domains": kinds[::-1],
    }  # fmt: skip
    return bool(now["version"] == 2 and {**now, **told} == was)


def _emptied(record: bytes) -> bytes:
    """A record without its hashes of other files."""
    return re.sub(rb'"[0-9a-f]{64}"', b'""', record)


def _hashes(old: bytes, new: bytes) -> bool:
    """A set of generators has the hashes of its parts' files, of which one differs."""
    return _emptied(old) == _emptied(new)


def _config_and_hashes(old: bytes, new: bytes) -> bool:
    """A bundle's record has the hashes of its files, of which some differ."""
    return _config(_emptied(old), _emptied(new))


def _state(old: bytes, new: bytes) -> bool:
    """The time budget's pace is new; without a budget it says nothing."""
    was, now = json.loads(old), json.loads(new)
    pace, time = now.pop("pace"), now["extra"].pop("time")
    return bool(pace["since"] == 0 and pace["done"] == 0 and time is None and now == was)


def _settings(old: bytes, new: bytes) -> bool:
    """Settings that the old commit does not know are left at their defaults."""
    was, now = json.loads(old), json.loads(new)
    defaults: dict[str, Any] = {
        key: field.get_default(call_default_factory=True)
        for key, field in TrainSettings.model_fields.items()
        if key not in was
    }
    return bool(now == {**was, **defaults})


class _Page(HTMLParser):
    """What a browser makes of a page: its tags, their attributes and words."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, Any]] = []
        self.feed(page.decode())
        self.close()

    def handle_decl(self, decl: str) -> None:
        self.found.append(("declaration", decl))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, sorted(attrs, key=str)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((tag, "end"))

    def handle_data(self, data: str) -> None:
        if words := data.split():
            self.found.append(("text", words))


def _page(old: bytes, new: bytes) -> bool:
    """The same tags, attributes and words; empty lines and the spelling of quotes may differ."""
    return _Page(old).found == _Page(new).found


def _judged_anew(old: bytes, new: bytes) -> bool:
    """Learnt or measured values may differ; of tensors names, shapes and places are the same."""
    if not (old and new):
        return False
    size = int.from_bytes(old[:8], "little")
    tensors = old[8:9] == b"{" and size < len(old)
    return not tensors or old[: 8 + size] == new[: 8 + size]


def _added(old: bytes, new: bytes) -> bool:
    """The file is new."""
    return not old and bool(new)


_LEARNT = (
    r"(best|bundle)/(README\.md|(calibration|metrics)\.json|\w+\.safetensors)|metrics\.jsonl|"
    r"report\.md|training\.png|(samples|checkpoints)/(?!0{12})\d{12}(\.png|/\w+\.\w+)"
)

INTENDED = (
    Intended(
        "task in bundles",
        "a bundle of version 2 holds its task; version 1 held image, classes and domains",
        r"train-[\w-]+/.*config\.json", _config,
    ),
    Intended(
        "hashes of a set's parts", "the parts' config.json is of version 2",
        r"train-[\w-]+/.*set\.json", _hashes,
    ),
    Intended(
        "pace of time budgets", "a checkpoint remembers how a time budget was re-planned",
        r"train-[\w-]+/.*state\.json", _state,
    ),
    Intended(
        "settings added", "settings that came later are written with their defaults",
        r"train-[\w-]+/.*settings\.json", _settings,
    ),
    Intended(
        "decisions kept", "what was left open in the settings is written when it is decided",
        r"train-[\w-]+/.*decided\.json", _added,
    ),
    Intended(
        "page by Jinja2", "report.html is a template: the same page with other blanks and quotes",
        r"extend-filter-merge-report/.*report\.html", _page,
    ),
    Intended(
        "CycleGAN's bundles", "the task as in other bundles, and hashes of what CycleGAN learnt",
        r"train-translator/.*config\.json", _config_and_hashes,
    ),
    Intended(
        "CycleGAN's fakes",
        "its discriminators judge the fakes that the translators learnt from, as the authors' code "
        "does; the old commit made new ones. First weights, tensors' names and shapes are the same",
        rf"train-translator/translator/({_LEARNT})", _judged_anew,
    ),
)  # fmt: skip


def meant(run: str, found: Unlike) -> Intended | None:
    """The difference of :data:`INTENDED` that explains all of what was found, if one does."""
    for known in INTENDED:
        if re.fullmatch(known.files, f"{run}/{found.name}"):
            try:
                if known.same(found.old or b"", found.new or b""):
                    return known
            except (KeyError, IndexError, TypeError, ValueError):
                continue  # not of the form that the difference is about
    return None
