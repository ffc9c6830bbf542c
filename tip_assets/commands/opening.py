"""What every command of `tip bench` opens first, and how it ends: exit codes, lists, the workshop, an experiment.

Exit codes: 0 fine, 1 something failed, 2 bad input (nothing was written), 130 interrupted.
"""

import click

from tip_serving import settings as environment
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import intake
from tip_serving.bench.state import ExperimentState
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.catalog import CatalogError
from tip_serving.lake.storage import MissingError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


class Names(click.ParamType[list[str]]):
    """A comma-separated list."""

    name = "list"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """The items; empty ones stay, so that the spec's own check names them."""
        del param, ctx
        return [item.strip() for item in value.split(",")] if isinstance(value, str) else list(value)  # type: ignore[call-overload]


class JudgeName(click.ParamType[str]):
    """A name under which scores are kept."""

    name = "judge"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, checked."""
        fault = intake.judge_fault(str(value))
        if fault is not None:
            self.fail(fault, param, ctx)
        return str(value)


class CellName(click.ParamType[Cell]):
    """A cell, written MODEL,PROMPT."""

    name = "model,prompt"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Cell:
        """The cell; the last comma divides, since a model may hold one."""
        if isinstance(value, Cell):
            return value
        model, comma, prompt = str(value).rpartition(",")
        if not comma or not model or not prompt:
            self.fail(f"{value!r} is no cell; write MODEL,PROMPT, such as embedded/planner,v3", param, ctx)
        return Cell(model.strip(), prompt.strip())


def open_workshop(concurrency: int | None = None) -> Workshop:
    """The workshop that the environment describes."""
    try:
        return Workshop.open(environment.load(), concurrency)
    except (CatalogError, ValueError) as error:
        raise click.UsageError(str(error)) from None


def find_judgeable(workshop: Workshop, experiment: str) -> ExperimentState:
    """The state of an experiment whose tips were written here, for situations that are known."""
    state = find(workshop, experiment)
    if state.brought is not None:
        raise click.UsageError(
            f"{experiment} was measured elsewhere: for which situations is not known here, so nobody can judge it"
        )
    if state.faults:
        raise click.UsageError(f"the spec of {experiment} is refused: {'; '.join(state.faults)}")
    return state


def find(workshop: Workshop, experiment: str) -> ExperimentState:
    """The state of an experiment that must be there."""
    try:
        return workshop.state(experiment)
    except MissingError as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.ClickException(f"a file of {experiment} is damaged: {error}") from None
