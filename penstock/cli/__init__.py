"""The command line: `penstock run`, `penstock doctor`."""
