"""Groups of the `tip` command whose subcommands arrive as entry points.

They are loaded when called, so that an installation has the commands whose extra is installed, and no others. What a
command does lives in the package that offers it.
"""

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points

import click
from packaging.requirements import Requirement

INTERRUPTED = 130  # as a shell tells it of a program that Ctrl-C ended


def _is_installed(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(distribution(requirement.name).version, prereleases=True)
    except PackageNotFoundError:
        return False


def _has_extras(entry_point: EntryPoint) -> bool:
    """Whether everything that the entry point's extras ask for is installed."""
    dist = entry_point.dist
    if dist is None:
        return True
    requirements = [Requirement(line) for line in dist.requires or ()]
    return all(
        _is_installed(requirement)
        for extra in entry_point.extras
        for requirement in requirements
        if requirement.marker and requirement.marker.evaluate({"extra": extra}) and "extra" in str(requirement.marker)
    )


def _broken(name: str, error: ImportError) -> click.Command:
    """A command that says why it cannot be loaded: one damaged room must not take the help of all others down."""

    def tell() -> None:
        raise click.ClickException(f"`tip {name}` cannot be loaded: {error}")

    return click.Command(name, callback=tell, short_help=f"cannot be loaded: {error}")


class EntryPointGroup(click.Group):
    """A group whose subcommands are the installed entry points of one entry-point group."""

    def __init__(self, *, entry_point_group: str, **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]
        self._entry_point_group = entry_point_group

    @cached_property
    def _offered(self) -> Mapping[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self._entry_point_group) if _has_extras(point)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the installed subcommands."""
        return sorted({*super().list_commands(ctx), *self._offered})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of this name, imported now."""
        if cmd_name in self._offered:
            try:
                command = self._offered[cmd_name].load()
            except ImportError as error:
                return _broken(cmd_name, error)
            if not isinstance(command, click.Command):
                raise TypeError(f"The entry point {cmd_name!r} offers {command!r}, which is not a click command.")
            return command
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; a lake or an environment that cannot be used is told in one sentence."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            return ctx.exit(INTERRUPTED)
        except Exception as error:
            from tip_serving.lake.storage import LakeError  # only here: --help need not wait for fsspec
            from tip_serving.settings import SettingsError  # nor for pydantic

            if isinstance(error, (LakeError, SettingsError)):
                raise click.ClickException(str(error)) from None
            raise
