"""The one training loop and what it needs: EMA, augmentation, checkpoints, curves."""
