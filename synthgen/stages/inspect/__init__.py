"""A look at somebody's images before a run."""
