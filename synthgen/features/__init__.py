"""Feature extractors behind one interface."""
