"""The dataset folder: shards, receipts, manifest, card, verification."""
