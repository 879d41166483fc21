"""Names that lead out of a folder, in plans, manifests, receipts and class names."""

import json

import pytest

from synthgen.data.cache import load_images
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.finished.export import export
from synthgen.stages.publish.report import report
from synthgen.stages.publish.stage import publish


@pytest.mark.parametrize("split", ["../../up", "/etc/x", "..", "", "a/b", "a\0b", "train\n", 3])
def test_a_plan_cannot_name_files_outside(split, sampled, tmp_path):
    root = sampled(n=30).root
    for path, place in ((root / ".synthgen/plan.json", ()), (root / "manifest.json", ("plan",))):
        record = json.loads(path.read_text())
        plan = record
        for key in place:
            plan = plan[key]
        plan["shards"][0]["split"] = split
        path.write_text(json.dumps(record))
    with pytest.raises(SynthgenError, match="damaged"):
        export(root, tmp_path / "new", "webdataset")
    with pytest.raises(SynthgenError, match="damaged"):
        publish(root, str(tmp_path / "there"))
    with pytest.raises(SynthgenError, match="damaged"):
        sampled(n=30)
    assert any("no readable plan" in str(problem) for problem in verify(root).problems)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"}, {"version": 99}, {"version": "x"}, {"receipts": [{}]},
        {"receipts": None}, {"generator": {}}, {"settings": []}, {"scores": [None]},
        {"plan": {"classes": [1], "seed": 0, "shards": []}}, {"filters_text": 5},
        {"plan": {"classes": ["a"], "seed": -1, "shards": []}}, {"plan": []},
        {"plan": {"classes": ["a"], "seed": 0, "shards": [
            {"index": 0, "split": "train", "ordinal": 0, "quotas": [10**30]}]}},
    ],
)  # fmt: skip
def test_a_manifest_of_somebody_else_is_refused_in_one_line(change, sampled):
    root = sampled(n=20).root
    path = root / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    for read in (read_manifest, lambda layout: report(layout.root)):
        with pytest.raises(SynthgenError) as fault:
            read(Layout(root))
        assert "\n" not in str(fault.value)


def test_receipts_of_shards_elsewhere_are_refused(sampled):
    root = sampled(n=20).root
    path = root / "manifest.json"
    record = json.loads(path.read_text())
    record["receipts"][0]["shard"] = "../../secret.parquet"
    path.write_text(json.dumps(record))
    with pytest.raises(SynthgenError, match="a receipt is of no shard"):
        read_manifest(Layout(root))


@pytest.mark.parametrize("name", ["a\0b", " ", ""])
def test_class_names_that_are_none_are_refused(name, digits, tmp_path):
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["one", name])}
    )
    from PIL import Image

    images = [Image.fromarray(pixels[:, :, 0]) for pixels in digits[0][:20]]
    table = datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 10}, features)
    table.save_to_disk(str(tmp_path / "data"))
    with pytest.raises(SynthgenError, match="cannot be a class name"):
        load_images(DataSettings.parse({"data": str(tmp_path / "data")}))
