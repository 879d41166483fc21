"""Nothing is written or removed through a link."""

import shutil

import pytest

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.stages.finished.export import export
from synthgen.stages.finished.merge import merge
from synthgen.stages.sample.repair import repair

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
