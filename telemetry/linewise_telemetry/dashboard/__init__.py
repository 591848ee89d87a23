"""The dashboard: what an API maker sees, every figure with its base, nobody's alone."""
