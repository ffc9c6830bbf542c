"""`tip bench`: start, watch, judge and read experiments from a terminal. The commands stand in `commands`."""

import click

from tip_assets.commands import collecting, judging


@click.group()
def bench() -> None:
    """Compare (model, prompt) cells: generate candidates, have them judged, rank."""


for command in (
    collecting.run,
    collecting.list_experiments,
    collecting.show,
    collecting.cancel,
    judging.export,
    judging.import_scores,
    judging.anchors,
):
    bench.add_command(command)
