"""The Language Server Protocol: the only place that knows pygls and lsprotocol."""
