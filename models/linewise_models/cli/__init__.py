"""`linewise models`: the model store on the command line, one file a command or a few.

In: arguments. Out: answers on stdout, progress and errors on stderr, exit code 0, 1 (it failed)
or 2 (it was asked wrongly). Never loads a model in its own process. What is heavy to import is
imported where it is used: `linewise --help` must answer at once.
"""

from __future__ import annotations

import click

from linewise_models.cli.advise import advise
from linewise_models.cli.bench import bench
from linewise_models.cli.files import path, pull, remove, verify
from linewise_models.cli.listing import list_models
from linewise_models.cli.use import use
from linewise_models.train.cli_files import export, quantize, vocabulary
from linewise_models.train.cli_prepare import prepare
from linewise_models.train.cli_train import train


@click.group()
def models() -> None:
    """See which models there are, fetch them, measure them and choose one.

    \b
    A first model, good for any machine:  linewise models pull smollm2-135m
    What this machine can run:            linewise models list
    Which one to take:                    linewise models advise

    Models lie in your user data directory; LINEWISE_HOME names another place. A model that you
    have as a GGUF file needs no pull: give its path wherever a model's name is asked for.
    """  # noqa: D301 # click's \b is a character, not two


for command in (list_models, pull, path, verify, remove, use, bench, advise):
    models.add_command(command)
for command in (vocabulary, prepare, train, export, quantize):
    models.add_command(command)
