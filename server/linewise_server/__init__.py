"""The Linewise language server: editor text in, completions and docs links out."""

__version__ = "0.1.0"
