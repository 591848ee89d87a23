"""How models are made: prepare data, train or tune, export and quantise.

Each step reads files and writes files, so that each can be run, looked at and run again alone.
What is heavy to import is imported where it is used.
"""
