"""Scores, the filters that judge them, and their calibration on real images."""
