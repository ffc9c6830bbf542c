"""The offline table: its grain and order, what it refuses, and that no moment but the request's counts."""

import datetime as dt

import polars as pl
import pytest
from support.situations import MONDAY_NOON, situation, task

from tip_serving.features.context import ContextError
from tip_serving.features.profile import ProfileError
from tip_serving.training.feature_table import StoredRequest, feature_schema, feature_table


def test_one_row_per_candidate_in_the_order_of_requests_and_candidates() -> None:
    about = situation(task("Call the dentist", due_in_days=-1))
    table = feature_table([
        StoredRequest("d2", about, {"b": "Rest.", "a": "Call the dentist"}),
        StoredRequest("d1", about, {"c": ""}),
        StoredRequest("d0", about, {}),
    ])  # fmt: skip
    assert table.select("decision_id", "tip_id", "position").rows() == [("d2", "b", 0), ("d2", "a", 1), ("d1", "c", 0)]
    assert table["tip_names_overdue"].to_list() == [0, 1, 0]


def test_no_requests_are_an_empty_table_of_the_same_columns() -> None:
    assert feature_table([]).schema == pl.Schema(feature_schema())


def test_the_age_of_a_feature_counts_from_the_moment_of_the_request() -> None:
    about = situation(profile={"tips_7d": 12})
    computed = {"tips_7d": MONDAY_NOON - dt.timedelta(days=1)}
    found = [
        feature_table([StoredRequest("d", about.model_copy(update={"now": now}), {"t": ""}, None, computed)])
        for now in (MONDAY_NOON, MONDAY_NOON + dt.timedelta(seconds=1), MONDAY_NOON - dt.timedelta(days=2))
    ]
    assert [table["profile_tips_7d"].item() for table in found] == [12, 0, 0]


def test_a_context_that_the_caller_shipped_is_used() -> None:
    table = feature_table([StoredRequest("d", situation(), {"t": ""}, {"n_tasks": 31})])
    assert table["context_n_tasks"].item() == 31


def test_a_request_that_is_not_as_declared_is_refused() -> None:
    with pytest.raises(ProfileError, match="mood"):
        feature_table([StoredRequest("d", situation(profile={"mood": 1}), {"t": ""})])
    with pytest.raises(ContextError, match="n_tasks"):
        feature_table([StoredRequest("d", situation(), {"t": ""}, {"n_tasks": "many"})])
