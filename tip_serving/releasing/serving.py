"""What is served: `released/manifest.json`, written here and nowhere else.

The manifest follows from the steps, byte for byte. So it is written after them, by whoever comes next, as often as need
be: who was killed between the two is made good for, and two who write at once write the same.
"""

from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError, Versioned
from tip_serving.releasing.journal import Journal, read_journal
from tip_serving.releasing.step import Base, Step, StepKind, Turn
from tip_serving.scoring import manifest as manifests
from tip_serving.scoring.manifest import Arm, Manifest, Role

NOTHING_RELEASED = Base(
    manifest_version=None,
    champion=Arm(name="default", role=Role.CHAMPION, weight=1.0, model=None, policy=None, prompt_policy=None),
    seed="release",
    example=None,
)
"""Says what a server does without a manifest."""

_RESTORES = (StepKind.REFUSED, StepKind.WITHDRAWN, StepKind.ROLLED_BACK)
_ATTEMPTS = 20


def manifest_of(journal: Journal) -> Manifest | None:
    """What the steps say must be served; None where no step has said anything yet."""
    turns: dict[str, Turn] = {}
    shown: set[str] = set()
    found: Manifest | None = None
    for step in journal.steps:
        if step.turn is not None:
            turns[step.proposal_id] = step.turn
        if step.kind in _RESTORES and step.proposal_id not in shown:
            continue
        if (turn := turns.get(step.proposal_id)) is not None and (arms := _arms(turn, step)):
            shown.add(step.proposal_id)
            found = _manifest(turn, step, arms)
    return found


def served_by(journal: Journal, step: Step) -> Manifest:
    """The manifest that `step`, which brought an arm to a shadow or to people, made."""
    found = manifest_of(Journal(journal.steps[: step.number]))
    assert found is not None  # noqa: S101  such a step says something
    return found


def needs_shadow(turn: Turn) -> bool:
    """Whether a shadow run can tell the arm from the champion: it scores and orders tips, and writes none."""
    champion = turn.base.champion
    return (turn.arm.model, turn.arm.policy) != (champion.model, champion.policy)


def publish(lake: Lake) -> Journal:
    """See to it that what the steps say is served; the steps.

    Raises:
        ConflictError: others kept writing.
    """
    for _ in range(_ATTEMPTS):
        before = _read(lake)  # before the steps: who has read older ones then finds it changed, and writes nothing
        journal = read_journal(lake)
        expected = manifest_of(journal)
        if expected is None:
            return journal
        data = encoded(expected)
        if before is not None and before.data == data:
            return journal
        try:
            lake.swap(layout.released_manifest(), data, None if before is None else before.version)
        except ConflictError:
            continue
        return journal
    raise ConflictError(f"{lake.locate(layout.released_manifest())} was written by others {_ATTEMPTS} times.")


def base_of(lake: Lake) -> Base:
    """What is served now, as what a release is held against.

    Raises:
        ManifestError: the manifest cannot be meant.
    """
    found = _read(lake)
    if found is None:
        return NOTHING_RELEASED
    served = manifests.parse(found.data)
    champion = served.live[0]
    alone = champion.model_copy(update={"weight": 1.0})
    return Base(manifest_version=served.version, champion=alone, seed=served.seed, example=served.example)


def encoded(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    return manifest.model_dump_json(indent=1).encode()


def _read(lake: Lake) -> Versioned | None:
    try:
        return lake.read_versioned(layout.released_manifest())
    except MissingError:
        return None


def _arms(turn: Turn, step: Step) -> tuple[Arm, ...]:
    """The arms that are served after `step`; none where it changes nothing."""
    champion, arm = turn.base.champion, turn.arm
    match step.kind:
        case StepKind.GATE_PASSED:
            return (champion, _as(arm, Role.SHADOW, 1.0)) if needs_shadow(turn) else ()
        case StepKind.STAGE:
            share = step.share or 0.0
            return (_as(champion, Role.CHAMPION, 1.0 - share), _as(arm, Role.CHALLENGER, share))
        case StepKind.FINISHED:
            return (_as(arm, Role.CHAMPION, 1.0),)
        case StepKind.REFUSED | StepKind.WITHDRAWN | StepKind.ROLLED_BACK:
            return (champion,)
        case _:
            return ()


def _manifest(turn: Turn, step: Step, arms: tuple[Arm, ...]) -> Manifest:
    is_restored = step.kind in _RESTORES
    return Manifest(
        version=f"{step.proposal_id}-{step.number}",
        created_at=step.at,
        arms=arms,
        example=turn.base.example if is_restored else turn.example,
        seed=turn.base.seed if is_restored else step.proposal_id,  # the same in all stages: who has the arm keeps it
    )


def _as(arm: Arm, role: Role, weight: float) -> Arm:
    return arm.model_copy(update={"role": role, "weight": weight})
