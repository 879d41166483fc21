"""Real images in: decoded once into a memory-mapped cache."""
