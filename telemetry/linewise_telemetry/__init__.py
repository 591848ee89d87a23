"""Usage events and feedback: consent first, local by default; knows nothing of models or editors."""
