"""Captions are read from wherever people have them, and what was understood is told."""

import json

import numpy as np
import pytest
import torch
from toy_world import save, toy_world

from synthgen.data.captions import captioned
from synthgen.data.records import load_records, open_rows
from synthgen.data.views import known_view
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.texts import Text, words_of
from synthgen.stages.train.offered import load_for
from synthgen.uses.registry import find_use

TOY = toy_world(24, 8)


def flat(folder, lines=lambda k: [TOY.captions[k]]):
    """Images with a ``.txt`` beside each; none where there are no lines."""
    for k, image in enumerate(TOY.images):
        save(image, folder / f"{k:02d}.png")
        if lines(k):
            (folder / f"{k:02d}.txt").write_text("\n".join(lines(k)) + "\n")
    return folder


def table(folder, **columns):
    """Images with ``metadata.jsonl``; a column is a function of the row's number."""
    rows = [
        {"file_name": f"{k:02d}.png", **{name: of(k) for name, of in columns.items()}}
        for k in range(len(TOY))
    ]
    for k, image in enumerate(TOY.images):
        save(image, folder / f"{k:02d}.png")
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def loaded(folder, **changes):
    """Rows and task as the use has them."""
    settings = {"use": "text-to-image", "data": str(folder), "resolution": 8, "min_per_class": 2}
    return load_for(TrainSettings.parse({**settings, **changes}), find_use("text-to-image"))


def texts(data, task):
    field = task.fields["caption"]
    rows = data.columns["caption"]
    if field.several == 1:
        return [field.text(row) for row in rows]
    return [[field.text(row) for row in own if row.any()] for own in rows]


def test_a_txt_beside_each_image(tmp_path):
    data, task = loaded(flat(tmp_path / "flat"))
    assert texts(data, task) == list(TOY.captions)
    assert task.given == ("caption",) and task.stratum is None
    told = "\n".join(data.lines())
    longest = max(TOY.captions, key=len)
    assert "24 captions of 24 rows (1 each) from .txt files beside the images" in told
    assert f"the longest has {len(longest)} letters: '{longest}'" in told
    words = len({word for text in TOY.captions for word in words_of(text)})
    assert f"{len(set(TOY.captions))} different, {words} words" in told


def test_lines_of_a_txt_are_captions_and_class_folders_stay_classes(tmp_path):
    for kind in ("cat", "dog"):
        flat(tmp_path / "in" / kind, lambda k, kind=kind: [f"{kind} one", "", f"{kind} two {k}"])
    data, task = loaded(tmp_path / "in")
    assert task.stratum == "label" and data.classes == ("cat", "dog")
    assert texts(data, task)[-1] == ["dog one", "dog two 23"]
    assert "(2 each)" in "\n".join(data.lines())


@pytest.mark.parametrize("name", ["caption", "text", "what it shows"])
def test_a_column_of_texts_whatever_it_is_called(name, tmp_path):
    folder = table(tmp_path / "in", number=lambda k: k, **{name: lambda k: TOY.captions[k]})
    named = {} if name != "what it shows" else {"field": {"caption": name}}
    data, task = loaded(folder, **named)
    assert texts(data, task) == list(TOY.captions)


def test_a_list_of_captions_and_one_drawn_each_time_it_is_shown(tmp_path):
    folder = table(
        tmp_path / "in", captions=lambda k: [f"{TOY.captions[k]} {n}" for n in range(k % 3 + 1)]
    )
    data, task = loaded(folder)
    assert [len(own) for own in texts(data, task)] == [k % 3 + 1 for k in range(24)]
    field, rows = task.fields["caption"], torch.from_numpy(data.columns["caption"])
    single = [field.single.tensor(rows[:, k]) for k in range(3)]
    seen = set()
    for seed in range(12):
        torch.manual_seed(seed)
        drawn = field.tensor(rows)
        torch.manual_seed(seed)
        assert torch.equal(field.tensor(rows), drawn)
        for k in range(24):
            which = [n for n in range(3) if torch.equal(drawn[k], single[n][k])]
            assert which and which[0] <= k % 3
            seen.add((k % 3, which[0]))
    assert seen == {(most, n) for most in range(3) for n in range(most + 1)}


def test_rows_without_a_caption_are_left_out_and_counted(tmp_path):
    data, _ = loaded(flat(tmp_path / "txt", lambda k: [TOY.captions[k]] if k % 4 else []))
    assert len(data.labels) == 18
    assert "left out: 6 rows (without a caption), the first: " in "\n".join(data.lines())
    empty = table(tmp_path / "in", caption=lambda k: [None, "", "…", TOY.captions[k]][k % 4])
    data, task = loaded(empty)
    assert texts(data, task) == [TOY.captions[k] for k in range(3, 24, 4)]
    # Their images are those of the captions.
    assert np.abs(data.images[1].astype(int) - TOY.images[7]).max() < 3


def test_long_and_many_captions_are_cut_and_that_is_told(tmp_path):
    folder = table(tmp_path / "in", caption=lambda k: ["ü" * 400] if k == 3 else ["a"] * 20)
    data, task = loaded(folder)
    told = "\n".join(data.lines())
    assert "1 captions are longer than 512 bytes, and are cut there" in told
    assert "23 rows have more captions: the first 16 are read of each" in told
    assert texts(data, task)[3] == ["ü" * 256] and texts(data, task)[0] == ["a"] * 16


def test_a_bracket_at_the_beginning_is_no_list(tmp_path):
    data, task = loaded(table(tmp_path / "in", caption=lambda k: f"[sic] number {k}"))
    assert texts(data, task)[5] == "[sic] number 5"


@pytest.mark.parametrize(
    ("columns", "named", "words"),
    [
        ({"age": lambda k: k}, None, "no captions: there is no column caption, .* with --field"),
        ({"caption": lambda k: ""}, None, "column 'caption': no row has a caption"),
        ({"caption": lambda k: k}, None, "column 'caption' holds no texts, for example 0"),
        ({"words": lambda k: "a"}, "wrds", "no column 'wrds' .*did you mean 'words'"),
    ],
)
def test_mistakes_are_told(columns, named, words, tmp_path):
    folder = table(tmp_path / "in", **columns)
    with pytest.raises(SynthgenError, match=words):
        loaded(folder, **({"field": {"caption": named}} if named else {}))


def test_given_rows_have_the_first_of_their_captions_as_a_generator_reads_them(tmp_path):
    folder = table(tmp_path / "in", caption=lambda k: [TOY.captions[k], "another"])
    field = Text(16, 128, several=5)
    fields = {"image": Image(8, 8, 3), "caption": field}
    asked = DataSettings.parse({"data": str(folder), "resolution": 8})
    view, columns, wanted = known_view(fields, asked, {"caption": "caption", "image": "image"})
    assert wanted["caption"] == Text(16, 128) and columns == {"image": "image"}
    data = load_records(DataSettings.parse({"data": str(folder), "resolution": 8}), wanted,
                        labelled=False, view=view)  # fmt: skip
    assert [field.text(row) for row in data.columns["caption"]] == [
        text[:16] for text in TOY.captions
    ]
    source = captioned(open_rows(DataSettings.parse({"data": str(folder)})), known=field)
    assert "24 rows have more captions: the first are read of each" in source.understood.notes
