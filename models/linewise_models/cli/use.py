"""`linewise models use`: which model serves where nothing else names one."""

from __future__ import annotations

import os

import click

from linewise_models.cli.access import fail, failures_told, find_here, open_store


@click.command()
@click.argument("name", required=False)
def use(name: str | None) -> None:
    """Choose the model for commands without --model and for editors whose settings name none.

    \b
    linewise models use qwen2.5-coder-1.5b
    linewise models use                       say which it is

    The setting linewise.model of an editor, such as VS Code's Select Model writes it, comes before
    this; windows that are open hear of it when they start again. It is kept in the user data
    directory, or where LINEWISE_HOME says.
    """  # noqa: D301 # click's \b is a character, not two
    from linewise_models.choice import choose_model, usual_model
    from linewise_models.index import FileSource, is_gguf

    if name is None:
        click.echo(usual_model(os.environ))
        return
    entry = find_here(name)
    if isinstance(entry.source, FileSource) and not is_gguf(entry.source.path):
        fail(f"{entry.name} is not a GGUF model file; the choice stays as it was.")
    with failures_told("Stopped."):
        choose_model(open_store().home, entry.name)
    click.echo(f"{entry.name} serves from now on where nothing else names a model.")
