"""How rows of each kind of field lie in a dataset: a page for each kind."""
