"""What ``train`` says at its end is what can be typed next."""

import golden
import pytest

from synthgen.cli.train import sampling_command


@pytest.mark.parametrize(
    ("bundle", "given"),
    [("r3gan", ""), ("per-class", ""), ("cyclegan", " --given DATA"), ("cogan", "")],
)
def test_what_to_type_next_names_the_rows_that_are_needed(bundle, given):
    folder = golden.BUNDLES / bundle
    said, _, why = sampling_command(folder).partition("   # ")
    assert said == f"synthgen sample --generator {folder}{given} --n 1000"
    assert why == ("DATA: rows that have source" if given else "")
