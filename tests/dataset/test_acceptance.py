from synthgen.dataset.acceptance import over_filtering
from synthgen.dataset.receipts import Receipt


def receipt(kept, **rejected):
    return Receipt("train-00000.parquet", sum(kept.values()), kept, 1, "", "", rejected, {}, "cpu")


def test_mild_filters_are_not_worth_a_word():
    assert (
        over_filtering([receipt({"cat": 90, "dog": 95}, label_agreement={"cat": 10, "dog": 5})])
        == []
    )
    assert over_filtering([receipt({"cat": 10})]) == []


def test_a_class_that_keeps_little_and_a_reason_that_rejects_nearly_all_are_told():
    found = over_filtering([
        receipt({"cat": 20, "dog": 90}, label_agreement={"cat": 50, "dog": 4}, statistics={"cat": 2}),
        receipt({"cat": 10, "dog": 90}, label_agreement={"cat": 20, "dog": 6}, statistics={"cat": 0}),
    ])  # fmt: skip
    assert found[0].startswith(
        "class 'cat' keeps 29% of its candidates, most of them lost to label_agreement"
    )
    assert found[1].startswith("label_agreement alone rejects 27% of all candidates")
    assert len(found) == 2
