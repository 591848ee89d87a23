"""The option `--model` of every command that asks one: a name, a source or a file, or the usual."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click


def model_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model`; without it, it is what `linewise models use` chose, or the default."""
    option = click.option(
        "--model",
        default=_usual,
        show_default="the one in use",
        help="Index name or GGUF file.",
    )
    return option(command)


def _usual() -> str:
    from linewise_models.choice import usual_model

    return usual_model(os.environ)
