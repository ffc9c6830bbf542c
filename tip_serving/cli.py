"""The root of the `tip` command: its subcommands are the installed entry points of the group `tip.commands`."""

import click

from tip_serving.entry_points import EntryPointGroup


@click.group(
    cls=EntryPointGroup,
    entry_point_group="tip.commands",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="tip")
def main() -> None:
    """Find out which model and prompt write the better productivity tips, and release only what has earned it."""
