"""Python names: by text alone at once, and by types inferred in a process of its own."""
