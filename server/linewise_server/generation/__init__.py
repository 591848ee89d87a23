"""From an instruction, a comment or a signature to an edit that can be trusted.

`generator` reads from top to bottom: what is written where (`ways`, `target`), what the model is
shown (`beyond`, `prompt`, `template`), what of its answer is code (`answer`), how it fits in
(`imports`), and what is wrong with it (`checks`). Nothing here knows of editors.
"""
