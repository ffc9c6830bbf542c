"""Candidates and finished experiments for tests of the bench, made through the store as a worker makes them."""

from collections.abc import Sequence
from pathlib import Path

from tip_serving.bench import results, spec
from tip_serving.bench.identity import Cell, Need, needs
from tip_serving.bench.results import CellResult
from tip_serving.bench.spec import Spec
from tip_serving.bench.store import CandidateStore, candidate_row
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.embedded import WRITERS
from tip_serving.generation.model import Completion
from tip_serving.prompts import registry
from tip_serving.settings import Settings

EXPERIMENT = "tip-bench-test"


def workshop(home: Path) -> Workshop:
    """A workshop on a lake in `home`."""
    return Workshop.open(Settings(tip_home=home, dagster_home=home / "dagster"))


def create(place: Workshop, **asked: object) -> Spec:
    """A spec in the lake: two embedded models, two prompts, six scenarios unless said otherwise."""
    raw = {
        "experiment": EXPERIMENT,
        "models": ["embedded/first", "embedded/planner"],
        "prompts": ["v1", "v2"],
        "n_scenarios": 6,
        **asked,
    }
    made = spec.parse(raw, place.lake, place.catalog)
    spec.create(place.lake, made)
    return made


def write_candidates(store: CandidateStore, cell: Cell, wanted: Sequence[Need], experiment: str = EXPERIMENT) -> None:
    """Each need answered by the cell's embedded writer and kept in a segment that is not compacted."""
    prompt = registry.get(cell.prompt)
    segment = store.open_segment(cell)
    for number, need in enumerate(wanted):
        writer = WRITERS[cell.model.removeprefix("embedded/")]
        text = writer.write(need.request.messages, temperature=need.request.temperature, seed=need.request.seed)
        completion = Completion(text, "stop", 10.0 + number, 100, 20, 0.001, 1)
        segment.append(candidate_row(cell, prompt.content_hash, need, completion, experiment))
    segment.close()


def fill(place: Workshop, asked: Spec, cell: Cell, n_missing: int = 0, retry_honoured: str | None = None) -> CellResult:
    """The cell filled and finished, but for the last `n_missing` candidates."""
    prompt = registry.get(cell.prompt)
    wanted = needs(asked, cell, prompt, place.scenarios(asked.experiment))
    write_candidates(place.store, cell, wanted[: len(wanted) - n_missing], asked.experiment)
    n_called = len(wanted) - n_missing
    return results.finish(
        place.store, asked.experiment, cell, prompt.content_hash, wanted, (), n_called, None, retry_honoured
    )


def fill_all(place: Workshop, asked: Spec) -> None:
    """Every cell of the experiment filled."""
    for model in asked.models:
        for prompt in asked.prompts:
            fill(place, asked, Cell(model, prompt))
