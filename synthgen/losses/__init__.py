"""Pure functions of logits and tensors."""
