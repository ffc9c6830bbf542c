"""`tip bench`: start, watch, judge and read experiments from a terminal. The commands stand in `commands`."""

import click

from tip_assets.commands import collecting, deciding, judging, language_judge


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
    language_judge.judge,
    judging.anchors,
    deciding.show_leaderboard,
    deciding.page,
    deciding.tips,
    deciding.gate,
    deciding.promote,
    deciding.import_results,
):
    bench.add_command(command)
