"""Names as a terminal shows them: one line, in the direction of reading, nothing unseen."""

import pytest

from synthgen.spec.errors import on_one_line


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"), ("a\tb", r"a\tb"), ("\u202eevil", r"\u202eevil"),
        ("cat\u200b", r"cat\u200b"), ("x\u2028y", r"x\u2028y"), ("\x1b[2J", r"\x1b[2J"),
    ],
)  # fmt: skip
def test_signs_that_hide_or_break_are_written_out(name, shown):
    assert on_one_line(name) == shown


@pytest.mark.parametrize(
    "name", ["Katze", "🐱 cat", "क्षेत्र", "日本", "قط", "a  b", "👨\u200d👩\u200d👧", "é"]
)
def test_letters_of_any_script_stay(name):
    assert on_one_line(name) == name
