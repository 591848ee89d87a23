"""From the text at the cursor to the one suggestion that is worth showing, or none."""
