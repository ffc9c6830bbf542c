"""What is served at this moment, by what it got there, and whether it is what the steps say."""

import datetime as dt
from typing import NamedTuple

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.releasing.journal import read_journal
from tip_serving.releasing.serving import NOTHING_RELEASED, encoded, manifest_of
from tip_serving.releasing.step import Step
from tip_serving.scoring import manifest as manifests
from tip_serving.scoring.loading import ReleaseError, load
from tip_serving.scoring.manifest import Manifest, ManifestError
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY

_DEFAULTS = Manifest(
    version="nothing is released", created_at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    arms=(NOTHING_RELEASED.champion,), example=None,
)  # fmt: skip


class Live(NamedTuple):
    """What is served."""

    manifest: Manifest
    """Where nothing was released, one that says what a server does then."""
    proposal_id: str | None
    """Whose turn came last."""
    steps: tuple[Step, ...]
    """Of that proposal."""
    cards: tuple[tuple[str, str], ...]
    """Registered name and version of every part that has a card."""
    stray: str
    """How the manifest differs from what the steps say; empty where it does not."""
    reasons: tuple[str, ...]
    """Why a server of this build would refuse it."""


def live(lake: Lake) -> Live:
    """What is served."""
    journal = read_journal(lake)
    expected = manifest_of(journal)
    stray, manifest = "", expected or _DEFAULTS
    try:
        data = lake.read(layout.released_manifest())
        manifest = manifests.parse(data)
        if expected is not None and data != encoded(expected):
            stray = f"{manifest.version} lies there, the steps say {expected.version}"
    except MissingError:
        stray = "" if expected is None else f"nothing lies there, the steps say {expected.version}"
    except ManifestError as error:
        stray = str(error)
    try:
        load(lake, manifest, {})
        reasons: tuple[str, ...] = ()
    except ReleaseError as error:
        reasons = error.reasons
    steps = () if journal.on_turn is None else journal.of(journal.on_turn)
    return Live(manifest, journal.on_turn, steps, _cards(lake, manifest), stray, reasons)


def _cards(lake: Lake, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    parts = [
        (name, part.version)
        for arm in manifest.arms
        for name, part in ((REWARD_MODEL, arm.model), (TIP_POLICY, arm.policy), (PROMPT_POLICY, arm.prompt_policy))
        if part is not None
    ]
    return tuple(pair for pair in dict.fromkeys(parts) if lake.exists(layout.card(*pair, "html")))
