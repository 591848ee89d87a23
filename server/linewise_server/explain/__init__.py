"""Why the model says what it says at a place, for people.

`explainer` reads from top to bottom: what is said, how likely each token of it is, which filters
act, and which lines it leans on (`occlusion`). `page` and `words` write it down. Nothing here knows
of editors.
"""
