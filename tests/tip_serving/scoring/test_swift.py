"""The swift way to read a body takes nothing that the model refuses, and takes the rest for the same."""

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator, model_validator
from support.released import NOON, ask

from tip_serving.scenarios.generator import generate
from tip_serving.scoring import scorer, swift
from tip_serving.scoring.errors import RequestError
from tip_serving.scoring.request import Authorship, Candidate, ScoreRequest, read

swiftly = swift.reader(ScoreRequest)


def plain(value: Any) -> Any:
    """The value as lists, dicts, numbers and moments in UTC, whichever library read it; types are told apart."""
    match value:
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case msgspec.Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case tuple() | list():
            return list(map(plain, value))
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case dt.datetime() | dt.time():
            return value.replace(tzinfo=None), value.utcoffset()
    return type(value), repr(value)


def assert_takes_nothing_else(body: bytes) -> None:
    taken = swiftly(body)
    if taken is not None:
        assert plain(taken) == plain(read(ScoreRequest, body))


SCENARIOS = generate(40, seed=3)
WRITTEN = Candidate(id="x", text="Walk.", written=Authorship(decision_id="d", prompt_version="v1", model="m"))


@pytest.mark.parametrize("place", range(0, len(SCENARIOS), 4))
def test_what_the_caller_of_this_project_sends_is_taken_and_equal(place: int) -> None:
    about = SCENARIOS[place].situation
    request = ScoreRequest(
        user="u", now=about.now, tasks=about.tasks, profile_features=about.profile_features,
        candidates=("Rest.", Candidate(id="x-1"), Candidate(text="今日は10分だけ。"), WRITTEN), decision_id="d-1",
        context={"n_tasks": 3},
    )  # fmt: skip
    for body in (request.model_dump_json(exclude_none=True), request.model_dump_json()):
        taken = swiftly(body.encode())
        assert taken is not None
        assert plain(taken) == plain(request)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["2026-03-02", "10:30", "10:30:00", "2026-03-02T12:00:00Z", "2026-03-02T12:00:00", "d-1\n", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
GOOD: dict[str, Any] = json.loads(ask("Rest.", {"id": "x", "text": "Walk."}, profile_features={"tips_7d": 3}))
PATHS = [
    (*path, name)
    for path in ((), ("tasks", 0), ("tasks", 0, "due"), ("candidates", 1), ("profile_features",))
    for name in (
        "user", "now", "tasks", "candidates", "decision_id", "context", "contract_hash", "profile_features", "id",
        "text", "written", "content", "description", "due", "priority", "labels", "project", "added_at", "date", "time",
        "string", "is_recurring", "tips_7d", "stranger",
    )
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(path=st.sampled_from(PATHS), junk=JUNK)
def test_of_bodies_that_are_nearly_right_it_takes_none_that_the_model_refuses(path: Any, junk: Any) -> None:
    body = json.loads(json.dumps(GOOD))
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = junk
    assert_takes_nothing_else(json.dumps(body).encode())


@settings(max_examples=300, deadline=None)
@given(
    moment=st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-11, minutes=-30))])),
    sep=st.sampled_from("Tt _"), digits=st.sampled_from(["", ".5", ".123456", ".1234567", ".9999999", ".000000000001"]),
    zone=st.sampled_from(["Z", "z", "+00:00", "-00:00", "+05:30", "+0530", "+24:00", "", "+23:59:59"]),
)  # fmt: skip
@example(dt.datetime(2026, 3, 2, 23, 59, 59, tzinfo=dt.UTC), "T", ".9999999", "Z")
@example(dt.datetime(1, 1, 1, tzinfo=dt.UTC), "T", "", "+14:00")
def test_moments_are_the_same_in_every_writing(moment: dt.datetime, sep: str, digits: str, zone: str) -> None:
    written = moment.strftime(f"%Y-%m-%d{sep}%H:%M:%S").rjust(19, "0") + digits + zone
    body = json.loads(json.dumps(GOOD))
    assert_takes_nothing_else(json.dumps(body | {"now": written}).encode())
    body["tasks"][0] |= {"added_at": written, "due": {"time": written[11:]}}
    assert_takes_nothing_else(json.dumps(body).encode())


RAW = [
    b'{"user": "u", "candidates": ["a"], "user": "v"}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"tips_7d": 1, "tips_7d": 2}}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": 123456789012345678901234567890}}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": ' + b"9" * 5000 + b"}}",
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": 1e999}}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": -0.0, "m": 5e-324, "k": 1E5, "i": -0}}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": NaN}}',
    b'{"user": "u", "candidates": ["a"], "profile_features": {"n": ' + b"[" * 2000 + b"]" * 2000 + b"}}",
    b'{"user": "\\ud800", "candidates": ["a"]}',
    b'{"user": "u", "candidates": ["\\ud83d\\ude00"], "profile_features": {"\\u0000": "\\udfff"}}',
    b'{"user": "\xff", "candidates": ["a"]}',
    b'{"user": "u", "candidates": ["a"], "context": {"x": "\xc3\x28"}}',
    b'\xef\xbb\xbf{"user": "u", "candidates": ["a"]}',
    b'{"user": "u", "candidates": ["a"]} x',
    b'{"user": "u", "candidates": ["a"],}',
    b'{"user": "u", "candidates": [{}]}',
    b'{"user": "u", "candidates": [{"id": null, "text": null}]}',
    b'{"user": "u", "candidates": ["a"], "decision_id": "d\\n"}',
    b'{"user": "u", "candidates": ["a"], "tasks": [{"id": "1", "content": "c", "priority": 1.0}]}',
    b'{"user": "u", "candidates": ["a"], "tasks": [{"id": "1", "content": "c", "priority": true}]}',
    b'["u", ["a"]]',
    b"",
    b"null",
]


@pytest.mark.parametrize("body", RAW)
def test_odd_json_is_taken_alike_or_left_to_the_model(body: bytes) -> None:
    assert_takes_nothing_else(body)


@settings(max_examples=300)
@given(number=st.floats(allow_nan=False, allow_infinity=False), tail=st.integers(0, 10**18))
def test_numbers_are_read_to_the_last_bit(number: float, tail: int) -> None:
    written = f"{number!r}" if "e" in repr(number) or tail % 2 else f"{number!r}{tail}"
    assert_takes_nothing_else(b'{"user":"u","candidates":["a"],"profile_features":{"n":%s}}' % written.encode())


def test_nesting_that_the_struct_alone_takes_is_no_feature() -> None:
    deep = b"[" * 300 + b"]" * 300
    for name in (b"tips_7d", b"stranger"):
        taken = swiftly(b'{"user": "u", "candidates": ["a"], "profile_features": {"%s": %s}}' % (name, deep))
        assert taken is not None
        with pytest.raises(RequestError, match="1 fault"):
            scorer.moment(taken, taken.profile_features, NOON)


def test_what_is_left_to_the_model_gets_every_fault() -> None:
    body = ask(user="", shoe_size=43, profile_features={"tips_7d": "many"})
    assert swiftly(body) is None
    with pytest.raises(RequestError, match="3 faults"):
        read(ScoreRequest, body)


class _Later(BaseModel):
    """Checks itself in a way that a struct has not."""

    number: int

    @field_validator("number")
    @classmethod
    def _is_even(cls, number: int) -> int:
        return number


class _Before(BaseModel):
    """Reads what came before it is read."""

    number: int

    @model_validator(mode="before")
    @classmethod
    def _anything(cls, value: Any) -> Any:
        return value


class _Odd(BaseModel):
    """Has a limit that nobody told how to translate."""

    number: int = Field(multiple_of=3)


@pytest.mark.parametrize("model", [_Later, _Before, _Odd])
def test_a_model_that_no_struct_can_follow_is_told_when_it_is_made(model: type[BaseModel]) -> None:
    with pytest.raises(TypeError, match="No struct can be made"):
        swift.reader(model)
