"""The engine's own process: one a machine and model, shared by all editor windows.

`process` is that process, `client` speaks to it from asyncio, `wire` is what travels between.
"""
