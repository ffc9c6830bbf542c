"""Mistakes, on purpose: an export in which taken tips count as waved away, and a gate that is shown old evidence.

What is trained on such an export is good at showing what nobody wants. Its card is complete and its files are sound;
only people can tell, or the logs as they really are.
"""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tip_serving.events import export
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.releasing import gating
from tip_serving.releasing.ports import CheckResult, Checks, Sources
from tip_serving.releasing.proposal import Source
from tip_serving.releasing.state import Phase, proposals
from tip_serving.scoring.arms import ReadyArm
from tip_serving.training import steps, upkeep
from tip_serving.training.candidate import Candidate, read_candidate
from tip_serving.training.evidence import Evidence
from tip_serving.training.parts import TrainingError
from tip_serving.training.releasable import put_together

_FORMS = ("json", "md", "html")


def broken_lake(lake: Lake, place: Path, now: dt.datetime) -> Lake:
    """A copy of the lake at `place` with every reaction turned into its opposite.

    Args:
        lake: on the local disk.
        place: replaced.
        now: aware, of the copy's training sets.
    """
    if lake.directory is None:
        raise ValueError("A demo's lake lies on the local disk.")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(lake.directory, place)
    broken = Lake(str(place))
    for day in export.days(broken, TIP_SCORES):
        write_table(
            broken, layout.events(TIP_SCORES, day.isoformat()), _turned(export.read_day(broken, TIP_SCORES, day))
        )
        upkeep.make(broken, upkeep.Table.TRAINING, day, now)
    return broken


def trained_on(broken: Lake, lake: Lake, days: tuple[dt.date, ...], seed: int, now: dt.datetime) -> Candidate | None:
    """The candidate that the broken lake makes, with all its files brought into the real one; None for too few rows."""
    asked = steps.Request(days, seed, now, "demo")
    try:
        steps.train_reward_model(broken, asked)
        steps.train_tip_policy(broken, asked)
        steps.train_prompt_policy(broken, asked)
        candidate = put_together(broken, now)
    except TrainingError:
        return None
    parts = [part for part in (candidate.model, candidate.policy, candidate.prompt_policy, candidate.example) if part]
    paths = [part.path for part in parts]
    paths += [layout.card(name, version, form) for name, version in candidate.cards.items() for form in _FORMS]
    for path in (*paths, layout.release_candidate(candidate.candidate_id)):
        if not lake.exists(path):
            lake.write(path, broken.read(path))
    return candidate


def mixed_up(sources: Sources, lake: Lake) -> Sources | None:
    """The sources with a mistake in them: whatever a gate asks about, it is shown what it let the last arm through by.

    Args:
        sources: as they are.
        lake: with the releases so far.

    Returns:
        None where no trained arm has been let through yet.
    """
    finished = [one for one in proposals(lake) if one.phase is Phase.FINISHED]
    trained = [one for one in finished if one.proposal.source is Source.CANDIDATE]
    if not trained:
        return None
    last = trained[-1]
    until, since = last.proposal.at, read_candidate(lake, last.proposal.source_id).untouched_since
    ready = gating.ready(lake, last.turn, until)
    if ready.champion is None or ready.challenger is None:
        return None
    before, after = ready.champion, ready.challenger

    def of_the_last_arm(
        held: Lake,
        days: Sequence[dt.date],
        champion: ReadyArm,
        challenger: ReadyArm,
        now: dt.datetime,
        untouched_since: dt.datetime | None,
    ) -> Evidence:
        del champion, challenger, now, untouched_since
        return sources.evidence(held, days, before, after, until, since)

    checks = _Shown(sources.checks, read_candidate(lake, last.proposal.source_id))
    return replace(sources, evidence=of_the_last_arm, checks=checks)


class _Shown(NamedTuple):
    """The checks of one candidate, whichever is asked about."""

    checks: Checks
    candidate: Candidate

    def results(self, candidate: Candidate) -> Sequence[CheckResult]:
        del candidate
        return self.checks.results(self.candidate)


def _turned(shown: pl.DataFrame) -> pl.DataFrame:
    no_moment, no_rating = pl.lit(None, pl.Datetime("us", "UTC")), pl.lit(None, pl.Float64)
    return shown.with_columns(
        pl.coalesce("dismissed_at", "snoozed_at").alias("accepted_at"),
        pl.col("accepted_at").alias("dismissed_at"),
        no_moment.alias("done_at"), no_moment.alias("rated_at"), no_rating.alias("rating"),
    )  # fmt: skip
