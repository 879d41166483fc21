"""Tables that unpack to far more than they are, and what lies beside them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthgen.data.cache import load_images
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def test_a_table_that_unpacks_to_far_more_than_it_is(sampled, tmp_path):
    root = sampled(n=20).root
    shard = root / "data" / "train-00000.parquet"
    table = pa.table({"image": [bytes(2**20)] * 500})
    pq.write_table(table, shard, compression="zstd", use_dictionary=False)
    assert shard.stat().st_size < 2**20
    assert any("unpacks to" in str(problem) for problem in verify(root).problems)


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
