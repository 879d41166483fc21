"""Publishing to a server that speaks the hub's API, and loading from it, over real connections.

The client is the real one; it is told to use the upload protocol over plain HTTP (not Xet's).
"""

import json
import os
import subprocess
import sys

import datasets
import pytest
from hub_server import PAGE, TOKEN, Hub, git_oid

from synthgen.dataset.receipts import file_sha256
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.stages.publish.stage import publish

RUN = {"n": 80, "images_per_shard": 20, "splits": {"train": 0.75, "test": 0.25}}
NAME = "me/digits"


@pytest.fixture
def hub(monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    server = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    yield server
    server.close()


def digests(root):
    return {p.name: file_sha256(p) for p in sorted((root / "data").iterdir())}


def published(root):
    return json.loads((root / ".synthgen" / "published.json").read_text())


LOAD = """
import datasets, sys
for split in ("train", "test"):
    there = datasets.load_dataset(sys.argv[1], split=split)
    here = datasets.load_dataset(sys.argv[2], split=split)
    assert there.features == here.features
    raw = [list(d.cast_column("image", datasets.Image(decode=False))) for d in (there, here)]
    bare = [[{**row, "image": row["image"]["bytes"]} for row in rows] for rows in raw]
    assert bare[0] == bare[1] and len(there) > 0
    streamed = datasets.load_dataset(sys.argv[1], split=split, streaming=True)
    assert [row["label"] for row in streamed] == list(here["label"])
print("same")
"""


def load(hub, tmp_path, name, root, token=TOKEN):
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"),
                   "HF_DATASETS_CACHE": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1",
                   "HF_TOKEN": token,
                   "HF_HUB_DISABLE_TELEMETRY": "1"}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", LOAD, name, str(root)], env=environment, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def test_what_is_published_is_private_whole_and_loads(hub, sampled, tmp_path):
    root = sampled(**RUN).root
    where = publish(root, f"hf://{NAME}")
    repository = hub.repositories[NAME]
    assert where == f"hf://{NAME}@{repository.head}" and repository.private
    files = repository.files("main")
    mine = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    mine = {name: p for name, p in mine.items() if not name.startswith(".synthgen")}
    assert len(mine) > PAGE  # the listing comes in pages
    assert {n: c for n, c in files.items() if n != ".gitattributes"} == {
        name: path.read_bytes() for name, path in mine.items()
    }
    assert hub.order[-2:] == ["manifest.json", "README.md"]
    assert len(repository.commits) == 2  # the one that made it, and ours: nobody sees a part
    entry = published(root)[-1]
    assert (entry["where"], entry["revision"]) == (f"hf://{NAME}", repository.head)
    assert entry["manifest_sha256"] == file_sha256(root / "manifest.json")
    loaded = load(hub, tmp_path, NAME, root)
    assert loaded.stdout.strip() == "same", loaded.stderr[-3000:]
    assert load(hub, tmp_path / "other", NAME, root, token="hf_nobody").returncode != 0
    # The same again sends nothing and makes no commit.
    before = len(hub.calls)
    assert publish(root, f"hf://{NAME}") == where
    assert {method for method, _ in hub.calls[before:]} == {"GET", "POST"}
    assert not any(path.endswith("/commit/main") for _, path in hub.calls[before:])
    assert len(published(root)) == 1


def test_public_only_if_told(hub, sampled):
    publish(sampled(n=20).root, f"hf://{NAME}", private=False)
    assert not hub.repositories[NAME].private


@pytest.mark.parametrize("down", [0, 2])
def test_an_upload_that_breaks_off_goes_on_and_sends_only_what_is_missing(hub, sampled, down):
    """The server goes away after ``down`` shards, in the middle of the next one."""
    root = sampled(**RUN).root
    hub.before = lambda method, path: method == "PUT" and len(hub.objects) == down
    with pytest.raises(SynthgenError, match=r"cannot publish .*; the same again goes on"):
        publish(root, f"hf://{NAME}")
    assert len(hub.objects) == down and not (root / ".synthgen" / "published.json").exists()
    assert "README.md" not in hub.repositories[NAME].files("main")
    hub.before, arrived, before = lambda *_: False, set(hub.objects), len(hub.sent())
    publish(root, f"hf://{NAME}")
    assert sorted(hub.sent()[before:]) == sorted(set(digests(root).values()) - arrived)
    files = hub.repositories[NAME].files("main")
    for name, digest in digests(root).items():
        assert file_sha256(root / "data" / name) == digest
        assert files[f"data/{name}"] == (root / "data" / name).read_bytes()


def test_a_connection_lost_once_is_tried_again(hub, sampled):
    root = sampled(**RUN).root
    lost = []

    def once(method, path):
        lost.append(path)
        return method == "PUT" and lost.count(path) == 1

    hub.before = once
    publish(root, f"hf://{NAME}")
    assert "README.md" in hub.repositories[NAME].files("main")


def test_a_file_of_the_same_size_and_other_content_is_sent(hub, sampled):
    root = sampled(**RUN).root
    publish(root, f"hf://{NAME}")
    repository = hub.repositories[NAME]
    oid, files = repository.commits[-1]
    name = "data/train-00001.parquet"
    wrong = files[name][:-1] + b"x"
    files[name], repository.large[oid][name] = wrong, git_oid(wrong) + "0" * 24
    card = files["README.md"]
    files["README.md"] = card[:-1] + b"x"
    publish(root, f"hf://{NAME}")
    assert repository.files("main")[name] == (root / name).read_bytes()
    assert repository.files("main")["README.md"] == card


def test_another_dataset_replaces_the_old_one_in_one_commit(hub, sampled, tmp_path):
    publish(sampled(**RUN, out=str(tmp_path / "large")).root, f"hf://{NAME}")
    repository = hub.repositories[NAME]
    files = repository.files("main")
    files["LICENSE"] = b"somebody's own"
    small = sampled(n=30, images_per_shard=20, out=str(tmp_path / "small")).root
    publish(small, f"hf://{NAME}")
    assert len(repository.commits) == 3
    files = repository.files("main")
    assert {n for n in files if n.startswith("data/")} == {f"data/{n}" for n in digests(small)}
    assert files["LICENSE"] == b"somebody's own"


def test_many_files_take_several_commits_and_no_card_until_the_last(hub, sampled, monkeypatch):
    monkeypatch.setattr("synthgen.stages.publish.hub.COMMIT_FILES", 3)
    root = sampled(**RUN).root
    publish(root, f"hf://{NAME}")
    repository = hub.repositories[NAME]
    cards = ["README.md" in files for _, files in repository.commits]
    assert cards == [False] * (len(cards) - 1) + [True] and len(cards) > 3
    publish(sampled(**RUN, seed=5, mode="overwrite").root, f"hf://{NAME}")
    later = ["README.md" in files for _, files in repository.commits[len(cards) :]]
    assert later == [False] * (len(later) - 1) + [True]


def test_somebody_elses_commit_in_between_is_told(hub, sampled):
    root = sampled(n=20).root

    def meddle(method, path):
        if method == "PUT":
            hub.repositories[NAME].large[hub.repositories[NAME].commit({})] = {}
        return False

    hub.before = meddle
    with pytest.raises(SynthgenError, match="cannot publish"):
        publish(root, f"hf://{NAME}")
    hub.before = lambda *_: False
    publish(root, f"hf://{NAME}")


@pytest.mark.parametrize("name", ["digits", "../../etc/digits", "me/..", "me/digits/data", "me/"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(hub, sampled, name):
    root = sampled(n=20).root
    with pytest.raises(SynthgenError, match="is no repository; give hf://"):
        publish(root, f"hf://{name}")
    assert hub.calls == []


def test_a_wrong_token_is_one_line(hub, sampled, monkeypatch):
    root = sampled(n=20).root
    monkeypatch.setenv("HF_TOKEN", "hf_secretwrong")
    with pytest.raises(SynthgenError) as fault:
        publish(root, f"hf://{NAME}")
    assert "cannot publish" in str(fault.value) and "hf_secretwrong" not in str(fault.value)


def test_damaged_or_foreign_shards_do_not_leave_the_house(hub, sampled):
    root = sampled(**RUN).root
    shard = root / "data" / "train-00001.parquet"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + b"x")
    with pytest.raises(SynthgenError, match="damaged; mend it with"):
        publish(root, f"hf://{NAME}")
    shard.write_bytes(content)
    (root / "data" / "train-00099.parquet").write_bytes(content)
    with pytest.raises(SynthgenError, match="is no shard of this dataset"):
        publish(root, f"hf://{NAME}")
    (root / "data" / "train-00099.parquet").unlink()
    shard.rename(root / "moved.parquet")
    shard.symlink_to(root / "moved.parquet")
    with pytest.raises(SynthgenError, match="missing, or a link"):
        publish(root, f"hf://{NAME}")
    assert hub.calls == []


def test_rows_come_back_from_a_copy_that_was_downloaded(hub, sampled, tmp_path):
    root = sampled(**RUN).root
    publish(root, f"hf://{NAME}")
    for name, content in hub.repositories[NAME].files("main").items():
        path = tmp_path / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert verify(tmp_path / "copy").problems == []
    assert len(datasets.load_dataset(str(tmp_path / "copy"), split="test")) == 20
