"""SavedModels: a folder with graphs, the values of their variables, assets, and the functions that programs call."""
