import pytest

from synthgen.spec.markdown import plain


@pytest.mark.parametrize(
    "text", ["*a*", "**a**", "_a_", "__a", "a_ b", "`a`", "[a](b)", "a|b", "<b>"]
)
def test_nothing_means_anything_to_markdown(text):
    shown = plain(text)
    assert not set("|`[]*<>") & set(shown.replace("&#", "")) and "_" not in shown


def test_a_name_with_an_underscore_stays_as_it_is():
    assert plain("lost to label_agreement") == "lost to label_agreement"


def test_it_is_one_line():
    assert plain("a\n# b") == "a # b"
