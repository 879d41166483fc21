"""Which ways of making data can help, for the images that there are."""
