"""From a request to vectors: the clock where no moment is named, the ids of texts, the default rule by hand."""

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.released import NOON, ask

from tip_serving.features import vector
from tip_serving.features.context import context_features
from tip_serving.features.profile import resolve
from tip_serving.scenarios.model import Situation
from tip_serving.scoring import policy_context, scorer
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.request import ScoreRequest, read
from tip_serving.scoring.rule import rule_scores


def moment(profile: dict[str, Any] | None = None, **fields: Any) -> scorer.Moment:
    request = read(ScoreRequest, ask(profile_features=profile, **fields))
    return scorer.moment(request, profile, NOON, request.context)


def question(*candidates: Any) -> scorer.Question:
    request = read(ScoreRequest, ask(*candidates))
    return scorer.question(request, scorer.moment(request, None, NOON))


def test_without_a_moment_the_servers_clock_holds_in_the_persons_time_zone() -> None:
    found = moment({"time_zone": "America/New_York"}, now=None)
    assert found.situation.now == NOON
    assert found.context.values["hour"] == 7
    assert moment(now=None).context.values["hour"] == 12  # the fallback is UTC
    assert moment({"time_zone": "America/New_York"}).context.values["hour"] == 12  # as the caller says


def test_the_age_of_a_feature_is_counted_from_the_moment_of_the_request() -> None:
    old = {"tips_7d": {"value": 3, "computed_at": (NOON - dt.timedelta(days=2)).isoformat()}}
    assert moment(old).fell_back["tips_7d"] == "stale"
    assert moment(old).profile.values["tips_7d"] == 0
    assert "tips_7d" not in moment({"tips_7d": 3}).fell_back


def test_context_of_the_caller_stands_in_for_ours_and_what_it_lacks_falls_back() -> None:
    found = moment(tasks=[], context={"n_overdue": 4})
    assert found.context.values["n_overdue"] == 4
    assert found.fell_back["n_due_today"] == "missing"
    assert moment().context.values["n_overdue"] == 1


def test_faults_of_profile_and_context_are_told_together() -> None:
    with pytest.raises(RequestError) as refused:
        moment({"completion_rate": "high", "colour": 1}, context={"hour": -1})
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "profile_features.'colour'", "profile_features.completion_rate", "context.hour"
    ]  # fmt: skip


def test_a_text_has_the_same_id_everywhere_and_repeated_ids_are_refused() -> None:
    assert question("Rest.", "Walk.").ids[0] == question("Rest.").ids[0] == scorer.tip_id("Rest.")
    with pytest.raises(RequestError, match="1 fault"):
        question("Rest.", "Walk.", "Rest.")
    with pytest.raises(RequestError, match="2 faults"):
        question({"id": "a"}, {"id": "a", "text": "Rest."}, {"id": "b"}, {"id": "b"})


def test_a_candidate_known_by_id_alone_is_named() -> None:
    asked = question("Rest.", {"id": "x"}, {"id": "y", "text": "Walk."})
    assert asked.without_text == ("x",)
    assert asked.vectors.shape == (3, len(vector.names()))


def test_vectors_are_those_of_the_feature_contract() -> None:
    asked = question("Call the dentist now.", "Rest.")
    situation = asked.moment.situation
    profile = resolve(None, None, situation.now)
    expected = vector.vectors(profile, context_features(situation), ["Call the dentist now.", "Rest."], situation)
    assert asked.vectors.tobytes() == expected.tobytes()


def test_the_rule_by_hand() -> None:
    # Names the pressing task, says how long, five words: every point. One word of five: a fifth of the short ones.
    points = rule_scores(question("Call the dentist, ten minutes now.", "Rest.", "word " * 60).vectors)
    assert points == pytest.approx([1.0, 0.04, 0.0])


def test_with_no_task_the_rule_knows_nothing_of_naming_one() -> None:
    request = read(ScoreRequest, ask("Take a break of ten minutes now."[:32], tasks=[]))
    asked = scorer.question(request, scorer.moment(request, None, NOON))
    assert rule_scores(asked.vectors) == pytest.approx([0.35 / 2 + 0.25 / 2 + 0.2 + 0.2])


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=8, unique=True))
def test_the_rule_gives_any_text_points_from_0_to_1(texts: list[str]) -> None:
    situation = Situation(now=NOON)
    vectors = vector.vectors(resolve(None, None, NOON), context_features(situation), texts, situation)
    points = rule_scores(vectors)
    assert ((points >= 0) & (points <= 1)).all()


def test_a_policy_context_by_hand() -> None:
    profile = resolve({"completion_rate": 0.8, "tips_7d": 50, "account_age_days": 1000}, None, NOON).values
    found = policy_context.policy_context(profile, moment().context.values)
    known = dict(zip(policy_context.NAMES, found.tolist(), strict=True))
    assert known == pytest.approx({
        "hour_sin": 0.0, "hour_cos": -1.0, "is_weekend": 0.0, "tasks": np.log(2) / np.log(51), "overdue_share": 1.0,
        "due_today_share": 0.0, "completion_rate": 0.8, "acceptance_rate": 0.3, "dismissal_rate": 0.3, "tips_7d": 1.0,
        "streak": 0.0, "account_age": 1.0,
    }, abs=1e-12)  # fmt: skip


def test_the_largest_declared_features_stay_small_in_a_policy_context() -> None:
    profile = resolve({"tips_7d": 10_000, "streak_days": 100_000, "account_age_days": 100_000}, None, NOON).values
    context = moment(context={"n_tasks": 1_000_000, "n_overdue": 1_000_000}, tasks=[]).context.values
    assert np.abs(policy_context.policy_context(profile, context)).max() < 4
