"""Engines: what turns a prompt into tokens. `contract` says how; `llama` and `scripted` do it."""
