"""What generated data must beat: methods that get more out of the same real images."""
