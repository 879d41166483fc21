"""Network families and layers: pure modules."""
