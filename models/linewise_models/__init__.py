"""Which model, where it runs and how good it is; knows nothing of editors."""
