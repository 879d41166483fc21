"""Uses: a page for each; which fields are given, which are made, with what algorithm."""
