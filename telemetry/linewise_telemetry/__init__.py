"""Usage events and feedback: consent first, local by default; knows no model and no editor."""
