"""The page: whatever something is called is text, in the skeleton as in the sections."""

from evaluations import entry, evaluation

from synthgen.evaluation.record import Acceptance
from synthgen.evaluation.report.content import Content, Gallery
from synthgen.evaluation.report.markup import Html, element, join
from synthgen.evaluation.report.page import POLICY, page

EVIL = '<script>alert("x")</script>'


def content(found):
    kept = (Acceptance(EVIL, 30, {EVIL: 10}),)
    gallery = (Gallery(EVIL, EVIL, ()),)
    return Content(
        EVIL, 100, (EVIL, "dog"), 8, EVIL, kept, EVIL, gallery, gallery, gallery, ((EVIL, EVIL),),
        {EVIL: EVIL}, found, None, None, (EVIL,),
    )  # fmt: skip


def test_names_are_text_everywhere():
    for found in (None, evaluation(entry(EVIL), real=EVIL, extractor=EVIL)):
        shown = page(content(found))
        assert "<script" not in shown and shown.count("&lt;script") > 10
        assert f'content="{POLICY.replace(chr(39), "&#39;")}"' in shown
        assert shown.startswith("<!doctype html>\n<html") and shown.endswith("</html>\n")


def test_a_dataset_that_was_not_evaluated_says_so():
    shown = page(content(None))
    assert "How good it is, is not known" in shown and "are left out" in shown
    assert 'id="verdict"' not in shown


def test_what_is_markup_is_not_escaped_twice():
    inner = element("b", "a < b", class_="x&y")
    assert join([inner, " & ", None, ["c"]]) == Html('<b class="x&amp;y">a &lt; b</b> &amp; c')
