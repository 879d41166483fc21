"""Whatever a class is called is text in cards and pages."""

import json

from synthgen.dataset.layout import Layout
from synthgen.generators.model_card import model_card
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.safe_yaml import front_matter
from synthgen.spec.task import label_to_image
from synthgen.stages.publish.report import report

EVIL = ('<script>alert("x")</script>', "a|b\n\n# Heading\n---\n- d", "[x](javascript:alert(1))",
        "`code`", "![i](http://host/x.png)")  # fmt: skip


def test_class_names_are_text_in_the_model_card():
    task = label_to_image(EVIL, ImageSpec(8, 8, 1))
    text = model_card(
        "a<b>", task, {"data": EVIL[1], "<k>": EVIL[0]}, {EVIL[0]: {EVIL[1]: EVIL[2]}}
    )
    assert "<script" not in text and "\n# Heading" not in text
    assert "](" not in text and "a|b" not in text and "`code`" not in text
    assert front_matter(text)["license"] == "apache-2.0"


def test_class_names_are_text_in_the_card(tmp_path):
    from synthgen.dataset.card import dataset_card
    from synthgen.dataset.manifest import Manifest, Provenance
    from synthgen.dataset.receipts import Receipt
    from synthgen.dataset.run_settings import RunSettings
    from synthgen.spec.image import ImageSpec
    from synthgen.spec.provenance import Origin, TrainingRecord

    plan = Plan(EVIL, 0, (ShardPlan(0, "train", 0, (1,) * len(EVIL)),))
    receipt = Receipt("train-00000.parquet", len(EVIL), dict.fromkeys(EVIL, 1), 9, "", "", {}, {},
                      "cpu")  # fmt: skip
    origin = Origin(EVIL[3], EVIL[0], ImageSpec(8, 8, 1), "", TrainingRecord(data=EVIL[1]))
    made = Provenance(plan, RunSettings({}), origin, {}, plan.hash)
    manifest = Manifest(made, "0", EVIL[2], (), (receipt,))
    text = dataset_card(Layout(tmp_path), manifest)
    body = text.partition("\n---\n")[2]
    names = front_matter(text)["dataset_info"][0]["features"][1]["dtype"]["class_label"]["names"]
    assert tuple(names.values()) == EVIL
    from huggingface_hub import DatasetCard

    assert DatasetCard(text).data.to_dict()["license"] == "other"
    bare = body.replace("![contact sheet](report/contact-sheet.png)", "")
    assert "<script" not in bare and "](" not in bare and "\n# Heading" not in bare
    assert "a|b" not in bare and "`code`" not in bare


def test_class_names_are_text_in_the_report(sampled):
    root = sampled(n=30).root
    path = root / "manifest.json"
    record = json.loads(path.read_text())
    record["plan"]["classes"] = list(EVIL[:3])
    record["generator"]["name"] = EVIL[0]
    path.write_text(json.dumps(record))
    page = report(root).read_text()
    assert "<script" not in page and "&lt;script" in page
