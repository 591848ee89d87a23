"""API documentation: a symbol in a source text in, the link to its exact page and anchor out.

    source text and offset -> resolved name -> docset (from an inventory) -> link or gap

`Docs` (docs.py) is what the rest of the server uses. Nothing here speaks LSP, nothing here sends
source code anywhere, and the network is touched only in fetch.py, behind consent.py.
"""
