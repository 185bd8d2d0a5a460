"""Floor 7: the public names, how they are found, and the `tensorflow` alias."""
