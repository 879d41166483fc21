"""Prompts: lines of a file or a column of a table; what is skipped is counted, what is wrong told."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthgen.data.prompts import MOST, read_prompts
from synthgen.spec.errors import SynthgenError


def written(tmp_path, text, name="prompts.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_lines_are_prompts_empty_ones_are_skipped_and_equal_ones_kept(tmp_path):
    found = read_prompts(
        written(tmp_path, "\ufeffa red disc\r\n\r\n  a   blue disc \n!!\na red disc")
    )
    assert found.rows == (("a red disc", ""), ("a blue disc", ""), ("a red disc", ""))
    assert found.line() == (
        "3 prompts, 2 lines without a word are skipped, 1 is there before: each is made as often "
        "as it is there"
    )
    many = read_prompts(written(tmp_path, "\n".join(f"number {k}" for k in range(1000))))
    assert len(many.rows) == 1000 and many.line() == "1,000 prompts"


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_tables_have_a_column_of_them_and_may_have_classes(form, tmp_path):
    text = {
        "csv": 'label,caption,id\ndisc,"red, round",1\nsquare,blue,2\n',
        "jsonl": '{"label": "disc", "caption": "red, round"}\n{"label": "square", "caption": "blue"}',
        "json": '[{"label": "disc", "caption": "red, round"}, {"label": "square", "caption": "blue"}]',
    }
    path = str(tmp_path / "p.parquet")
    if form == "parquet":
        made = pa.table({"caption": ["red, round", "blue"], "label": ["disc", "square"]})
        pq.write_table(made, path)
    else:
        path = written(tmp_path, text[form], f"p.{form}")
    assert read_prompts(path).rows == (("red, round", "disc"), ("blue", "square"))


def test_another_column_is_named(tmp_path):
    path = written(tmp_path, "a,b\nred,one\nblue,two\n", "p.csv")
    assert read_prompts(path, column="b").rows == (("one", ""), ("two", ""))
    assert read_prompts(path, column="b", label="a").rows[0] == ("one", "red")
    with pytest.raises(SynthgenError, match=r"which column has the prompts\? Name it .*a, b"):
        read_prompts(path)
    with pytest.raises(SynthgenError, match=r"no column 'bb' .*did you mean 'b'"):
        read_prompts(path, column="bb")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.txt", "", "holds no prompt; write one a line"),
        ("p.txt", "\n \n--\n", "holds no prompt"),
        ("p.csv", "", "is empty"),
        ("p.csv", "caption\n", "holds no rows"),
        ("p.txt", b"\xff\xfe\x00\xd8", "is no text in UTF-8"),
        ("p.parquet", "no table", "cannot be read as a table"),
        ("p.txt", "a\n" * (MOST + 1), "100,001 prompts; at most 100,000 are taken"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(name, content, words, tmp_path):
    with pytest.raises(SynthgenError, match=words):
        read_prompts(written(tmp_path, content, name))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SynthgenError, match=r"none\.txt: no such file"):
        read_prompts(str(tmp_path / "none.txt"))
