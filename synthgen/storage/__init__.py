"""Places that files are written to and read from: folders of this machine, and fsspec stores."""
