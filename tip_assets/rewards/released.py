"""What the analytics need to know of releases: the weights of every manifest that was served, and released cells."""

from collections.abc import Iterator

from tip_experiments.policies import state
from tip_serving.bench.identity import Cell
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.releasing.journal import Journal, read_journal
from tip_serving.releasing.serving import NOTHING_RELEASED, manifest_of
from tip_serving.rewards.tally import NO_VERSION
from tip_serving.scoring import manifest as manifests
from tip_serving.scoring.manifest import Manifest
from tip_serving.scoring.prompt_choice import read_arm


def weights_by_manifest(lake: Lake) -> dict[str, dict[str, float]]:
    """The weight of each live arm of every manifest that was ever served, by version."""
    known = {NO_VERSION: {NOTHING_RELEASED.champion.name: 1.0}}
    for found in _manifests(lake):
        known[found.version] = {arm.name: arm.weight for arm in found.live}
    return known


def released_cells(lake: Lake) -> list[Cell]:
    """The cells that the released prompt policies may write with; arms that leave the model open name no cell."""
    served = served_now(lake)
    found: dict[Cell, None] = {}
    for arm in () if served is None else served.live:
        if arm.prompt_policy is not None:
            names = map(read_arm, state.loads(lake.read(arm.prompt_policy.path).decode()).arms)
            found |= dict.fromkeys(Cell(name.model, name.version) for name in names if name.model)
    return list(found)


def served_now(lake: Lake) -> Manifest | None:
    """The manifest as it lies in the lake; None where nothing was released."""
    try:
        return manifests.parse(lake.read(layout.released_manifest()))
    except MissingError:
        return None


def _manifests(lake: Lake) -> Iterator[Manifest]:
    """Those that the steps of releases made, and the one that is served, which may be older than any step."""
    journal = read_journal(lake)
    for n in range(1, len(journal.steps) + 1):
        made = manifest_of(Journal(journal.steps[:n]))
        if made is not None:
            yield made
    served = served_now(lake)
    if served is not None:
        yield served
