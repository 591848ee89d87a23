"""How good a model is: problems in, a record of answers and scores out.

Whoever completes is passed in as an async callable, so that a bare engine and the whole product are
judged alike. Nothing here knows of editors or of servers.
"""
