"""Feature extractors, the label classifier first."""
