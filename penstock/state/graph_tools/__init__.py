"""Tools that make one graph out of another: frozen, stripped of what is not used, folded."""
