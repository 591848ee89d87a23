"""`linewise eval plot`: the scores of one or several records as a picture.

In: records. Out: an SVG file that needs nothing else.
"""

from __future__ import annotations

from pathlib import Path

import click

from linewise_server.cli.records import check_output
from linewise_server.errors import FailedError

_RECORD = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("records", nargs=-1, required=True, type=_RECORD)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The SVG file.")
@click.option("--title", default="", help="Its heading; the suite's name by default.")
def plot(records: tuple[Path, ...], out: Path, title: str) -> None:
    """Draw the scores of RECORDS, with their 95 % intervals, as an SVG picture.

    RECORDS are files that --json of an evaluation wrote; they are drawn in the order in which they
    are named, group by group. The picture is read on light and on dark ground.
    """
    from linewise_models.evaluate.plot import Drawn, draw
    from linewise_models.evaluate.record import read_any

    check_output(out, "picture")
    read = [(path, read_any(path)) for path in records]
    titles = [record.title for _, record in read]
    drawn = [
        Drawn.of(
            record, record.title if titles.count(record.title) == 1 else f"{path.stem}: {name}"
        )
        for (path, record), name in zip(read, titles, strict=True)
    ]
    if not title:
        title = ", ".join(dict.fromkeys(record.suite for _, record in read))
    try:
        out.write_text(draw(drawn, title), encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"The picture is in {out}.", err=True)
