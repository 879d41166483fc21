"""How good generated images are: distances to real ones."""
