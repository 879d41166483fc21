"""Copy a finished dataset to where others read it: the Hugging Face hub, or any fsspec URL.

The card goes last: a place that has it has everything that it speaks of. The run's own dot-folder
stays at home; the manifest has all that ``verify`` needs.
"""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from synthgen.dataset.layout import Layout
from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place, place
from synthgen.storage.transfer import copy_whole, files_below, local_copy

HUB = "hf://"


def publish(folder: str | Place, where: str, *, private: bool = True) -> str:
    """Publish the dataset in ``folder``; where it can be read.

    ``hf://org/name`` uploads to a dataset repository of the hub, made (private unless told
    otherwise) if there is none. Any other text is an fsspec URL or a local path. Files that are
    there already with the same size are not sent again, so an upload that broke off goes on.

    Raises:
        SynthgenError: the dataset is not finished, or the place cannot be written.
    """
    layout = Layout(place(folder))
    if not layout.is_complete():
        raise SynthgenError(f"{folder}: is no finished synthgen dataset (no README.md)")
    files = _files(layout)
    try:
        if where.startswith(HUB):
            return _to_hub(layout, files, where.removeprefix(HUB).strip("/"), private)
        return _to_url(layout, files, where)
    except SynthgenError:
        raise
    except Exception as error:  # whatever a store has to say is about the user's place or access
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise SynthgenError(f"{where}: cannot publish ({reason}); the same again goes on") from None


def _files(layout: Layout) -> list[str]:
    """Relative paths, the card last."""
    inside = [name for name in files_below(layout.root) if not name.startswith(".")]
    return sorted(inside, key=lambda name: (name == "README.md", name == "manifest.json", name))


def _to_url(layout: Layout, files: list[str], where: str) -> str:
    root = place(where)
    for name in tqdm(files, unit="file", desc="publishing"):
        source, target = layout.root / name, root / name
        last = name in ("README.md", "manifest.json")
        if not last and target.is_file() and target.stat().st_size == source.stat().st_size:
            continue
        with local_copy(source) as file:
            copy_whole(file, target)
    return str(root)


def _to_hub(layout: Layout, files: list[str], repository: str, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi

    api: Any = HfApi()
    api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
    there = {
        entry.path: entry.size
        for entry in api.list_repo_tree(repository, repo_type="dataset", recursive=True)
        if getattr(entry, "size", None) is not None
    }
    shards = [name for name in files if name.endswith(".parquet")]
    for name in tqdm(shards, unit="file", desc="publishing"):
        if there.get(name) != (layout.root / name).stat().st_size:
            with local_copy(layout.root / name) as file:
                api.upload_file(
                    path_or_fileobj=str(file), path_in_repo=name,
                    repo_id=repository, repo_type="dataset",
                )  # fmt: skip
    rest = [name for name in files if name not in shards]
    commit = api.create_commit(
        repository,
        [CommitOperationAdd(name, (layout.root / name).read_bytes()) for name in rest],
        commit_message="Dataset card and manifest",
        repo_type="dataset",
    )
    return f"{HUB}{repository}@{commit.oid}"
