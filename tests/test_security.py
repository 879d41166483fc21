"""What comes from others cannot harm: files that claim to be what they are not, names that lead out
of a folder, links, and text that wants to be markup."""

import ast
import json
import pickle
import shutil
import struct
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthgen.data.cache import load_images
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.generators.bundle import _sha256
from synthgen.generators.model_card import model_card
from synthgen.generators.zoo import load_generator
from synthgen.spec.condition import ClassCondition, ClassConditional
from synthgen.spec.data_settings import DataSettings
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.safe_yaml import front_matter, load_yaml
from synthgen.stages.export import export
from synthgen.stages.merge import merge
from synthgen.stages.publish import publish
from synthgen.stages.repair import repair
from synthgen.stages.report import report
from synthgen.stages.verify import verify

CODE = [p for room in ("synthgen", "pipelines") for p in sorted(Path(room).rglob("*.py"))]
RUNS_CODE = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "zipfile",
}  # fmt: skip
CALLS = {
    "torch.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "eval",
    "exec", "os.system", "os.popen", "tempfile.mktemp", "shutil.unpack_archive", "pd.read_pickle",
    "pandas.read_pickle", "torch.jit.load", "torch.hub.load", "tarfile.extractall",
}  # fmt: skip


def test_there_is_code_to_look_at():
    assert len(CODE) > 100


@pytest.mark.parametrize("path", CODE, ids=str)
def test_nothing_that_runs_what_it_reads(path):
    """No pickle in any form, no archive unpacked, YAML by the safe loader alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not RUNS_CODE & {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in RUNS_CODE
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert name not in CALLS and given.get("shell") != "True", ast.unparse(node)
            if name in ("np.load", "numpy.load"):
                assert given.get("allow_pickle") == "False", ast.unparse(node)
            if name == "yaml.safe_load":
                assert path.name == "safe_yaml.py", "read YAML with spec/safe_yaml.py"
            if name in ("tarfile.open", "tar.open"):
                assert ast.unparse(node.args[1]) == "'w'"


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def header(record, size=None):
    text = json.dumps(record).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text


def weights(tmp_path):
    tensor = {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}
    return {
        "a pickle": pickle.dumps(Trap(tmp_path / "sprung")),
        "a header of a million million bytes": struct.pack("<Q", 2**60) + b"{}",
        "a header longer than the file": header({}, 10_000),
        "a tensor of more numbers than bytes": header({"w": tensor}) + bytes(4),
        "a tensor out of the file": header(
            {"w": {"dtype": "F32", "shape": [1], "data_offsets": [2**40, 2**40 + 4]}}
        ),
        "tensors that overlap": header(
            {
                name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
                for name in ("w", "v")
            }
        ) + bytes(4),
        "a size that overflows": header(
            {"w": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 4]}}
        ) + bytes(4),
        "a header of brackets": struct.pack("<Q", 100_000) + b"[" * 100_000,
        "nothing": b"",
    }  # fmt: skip


NAMES = ["a pickle", "a header of a million million bytes", "a header longer than the file",
         "a tensor of more numbers than bytes", "a tensor out of the file", "tensors that overlap",
         "a size that overflows", "a header of brackets", "nothing"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["generator.safetensors", "classifier.safetensors"])
def test_weights_that_are_none_are_refused(name, file, run_folder, tmp_path):
    """Though ``config.json`` vouches for their hash."""
    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    content = weights(tmp_path)[name]
    (folder / file).write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["files"][file] = _sha256(content)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SynthgenError) as fault:
        load_generator(str(folder), device="cpu")
    assert "\n" not in str(fault.value) and file in str(fault.value)
    assert not (tmp_path / "sprung").exists()


def test_checkpoints_that_are_pickles_are_refused(run_folder, tmp_path, digit_folder):
    from synthgen.spec.train_settings import TrainSettings
    from synthgen.stages.train import train

    out = tmp_path / "run"
    shutil.copytree(run_folder, out)
    shutil.rmtree(out / "bundle")
    newest = max((out / "checkpoints").iterdir())
    (newest / "weights.safetensors").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    record = json.loads((out / "settings.json").read_text())
    with pytest.raises(SynthgenError, match="cannot resume from this checkpoint"):
        train(TrainSettings.parse({**record, "out": str(out), "data": str(digit_folder)}))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"width": 512, "widest": 2048, "latent": 8, "style": 16}},
        {"image": {"height": 1024, "width": 1024, "channels": 1}},
        {"image": {"height": 2**31, "width": 2**31, "channels": 1}},
        {"classes": [f"class {number}" for number in range(300_000)]},
    ],
    ids=["wide", "large", "vast", "many"],
)
def test_a_small_bundle_takes_no_more_memory_than_it_has(change, run_folder, tmp_path):
    import resource

    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SynthgenError):
        load_generator(str(folder), device="cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_files_of_a_bundle_have_their_own_names(run_folder, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    config = json.loads((folder / "config.json").read_text())
    config["files"]["../../secret.safetensors"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SynthgenError, match="is no file of a bundle"):
        load_generator(str(folder), device="cpu")
    for name in ("../x", "a/../../b", "a/..", "..", "a\0b"):
        with pytest.raises(SynthgenError):
            load_generator(name, device="cpu")


# --- YAML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "n: [&a [x, x], &b [*a, *a], &c [*b, *b]]",
        "a: &a {x: 1}\nb: {<<: [*a, *a]}",
        "n: !!python/object/apply:os.system ['true']",
        "n: !!python/name:os.system",
        "[" * 10_000,
        "{a: " * 10_000,
        "- " * 60 + "x",
        "x" * 4_000_001,
        "\0",
        "n: !!int 'x'",
        "n: !!timestamp 'x'",
        "? {a: b}\n: c",
    ],
)
def test_yaml_that_is_more_than_plain_data(text):
    begin = time.monotonic()
    with pytest.raises(ValueError):
        load_yaml(text)
    assert time.monotonic() - begin < 5


def test_our_own_cards_have_no_aliases(sampled, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.5}\n")
    root = sampled(n=40, filters=str(rules), keep_rejects=True).root
    front = front_matter((root / "README.md").read_text())
    assert len(front["dataset_info"]) == 2


def test_a_card_that_is_a_bomb_is_a_problem_of_the_dataset(sampled):
    root = sampled(n=20).root
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    (root / "README.md").write_text("---\n" + "\n".join(lines) + "\n---\n")
    begin = time.monotonic()
    assert verify(root).problems == ["README.md: its YAML cannot be read"]
    assert time.monotonic() - begin < 10


# --- names ------------------------------------------------------------------------------------


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
    assert any("no readable plan" in line for line in verify(root).problems)
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


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "a\0b", " "])
def test_class_names_that_are_paths_are_refused(name, digits, tmp_path):
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


# --- tables -----------------------------------------------------------------------------------


def test_a_table_that_unpacks_to_far_more_than_it_is(sampled, tmp_path):
    root = sampled(n=20).root
    shard = root / "data" / "train-00000.parquet"
    table = pa.table({"image": [bytes(2**20)] * 500})
    pq.write_table(table, shard, compression="zstd", use_dictionary=False)
    assert shard.stat().st_size < 2**20
    assert any("unpacks to" in line for line in verify(root).problems)


def test_archives_are_not_unpacked_and_cards_do_not_lead_elsewhere(sampled, tmp_path):
    root = sampled(n=60).root
    given = DataSettings.parse({"data": str(root), "min_per_class": 2})
    assert len(load_images(given).labels) == 60
    (root / "data" / "more.zip").write_bytes(b"PK")
    with pytest.raises(SynthgenError, match="is an archive"):
        load_images(given)
    (root / "data" / "more.zip").unlink()
    card = (root / "README.md").read_text()
    for elsewhere in ("https://host/x.parquet", "../../x.parquet", "/etc/x.parquet"):
        (root / "README.md").write_text(card.replace("data/train-*.parquet", elsewhere))
        with pytest.raises(SynthgenError, match="names data outside"):
            load_images(given)


# --- links ------------------------------------------------------------------------------------

PLACES = ["data", "rejects", "report", ".synthgen", ".synthgen/receipts", ".synthgen/staging",
          ".synthgen/lock"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_written_or_removed_through_a_link(place, sampled, run_folder, tmp_path):
    root = sampled(n=30, images_per_shard=15).root
    other = sampled(n=30, seed=3, out=str(tmp_path / "other")).root
    path, outside = root / place, tmp_path / "outside"
    if path.exists():
        path.rename(outside)
    elif place.endswith("lock"):
        outside.write_text("of somebody")
    else:
        outside.mkdir()
    if outside.is_dir():
        (outside / "precious.txt").write_text("of somebody")
    path.symlink_to(outside)
    (root / "README.md").unlink()
    before = contents(outside)
    for act in (
        lambda: sampled(n=30, images_per_shard=15),
        lambda: sampled(n=30, images_per_shard=15, mode="resume"),
        lambda: sampled(n=30, images_per_shard=15, mode="overwrite"),
        lambda: sampled(n=60, images_per_shard=15, mode="extend"),
        lambda: repair(root, generator=str(run_folder), device="cpu"),
        lambda: merge([other, other], root, "overwrite"),
    ):
        with pytest.raises(SynthgenError):
            act()
        assert contents(outside) == before
    with pytest.raises(SynthgenError, match="is a symbolic link"):
        sampled(n=30, images_per_shard=15, mode="overwrite")


@pytest.mark.parametrize("name", ["README.md", "manifest.json", ".synthgen/plan.json",
                                  ".synthgen/settings.json", "data/train-00000.parquet",
                                  "report/contact-sheet.png"])  # fmt: skip
def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(name, sampled, tmp_path):
    root = sampled(n=30).root
    outside = tmp_path / "outside"
    shutil.copyfile(root / name, outside)
    before = outside.read_bytes()
    (root / name).unlink()
    (root / name).symlink_to(outside)
    sampled(n=30, seed=5, mode="overwrite")
    assert outside.read_bytes() == before and not (root / name).is_symlink()
    assert verify(root).problems == []


def test_exports_do_not_grow_through_a_link(sampled, tmp_path):
    root = sampled(n=20).root
    (tmp_path / "outside").mkdir()
    (tmp_path / ".new.partial").symlink_to(tmp_path / "outside")
    with pytest.raises(SynthgenError, match="is a symbolic link"):
        export(root, tmp_path / "new", "webdataset")
    assert not list((tmp_path / "outside").iterdir())


def contents(path):
    if path.is_file():
        return path.read_bytes()
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


# --- markup -----------------------------------------------------------------------------------

EVIL = ('<script>alert("x")</script>', "a|b\n\n# Heading\n---\n- d", "[x](javascript:alert(1))",
        "`code`", "![i](http://host/x.png)")  # fmt: skip


def test_class_names_are_text_in_the_model_card():
    task = ClassConditional(ImageSpec(8, 8, 1), ClassCondition(EVIL))
    text = model_card(
        "a<b>", task, {"data": EVIL[1], "<k>": EVIL[0]}, {EVIL[0]: {EVIL[1]: EVIL[2]}}
    )
    assert "<script" not in text and "\n# Heading" not in text
    assert "](" not in text and "a|b" not in text and "`code`" not in text
    assert front_matter(text)["license"] == "apache-2.0"


def test_class_names_are_text_in_the_card(tmp_path):
    from synthgen.dataset.card import dataset_card
    from synthgen.dataset.receipts import Receipt

    plan = Plan(EVIL, 0, (ShardPlan(0, "train", 0, (1,) * len(EVIL)),))
    receipt = Receipt("train-00000.parquet", len(EVIL), dict.fromkeys(EVIL, 1), 9, "", "", {}, {},
                      "cpu")  # fmt: skip
    manifest = {
        "scores": [], "synthgen": "0", "filters_text": EVIL[2],
        "generator": {"name": EVIL[3], "algorithm": EVIL[0], "training": {"data": EVIL[1]},
                      "image": {"height": 8, "width": 8, "channels": 1}},
    }  # fmt: skip
    text = dataset_card(Layout(tmp_path), plan, [receipt], manifest)
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
