"""The studies: the one wing that knows the tables in `data/` by name."""
