"""Each check passes on a sound day and fails, with its numbers, on the fault that it is there for."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.archive import DAY, LATER, NOON, Archive, archive, decision, took

from tip_serving.events import export
from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.signal import AccountSet, AppOpened
from tip_serving.events.store import TIP_SCORES
from tip_serving.features.vector import names
from tip_serving.training import profiles, training_set
from tip_serving.training.quality import events as of_events
from tip_serving.training.quality import features as of_features
from tip_serving.training.quality.check import Day, Outcome
from tip_serving.training.quality.features import PROFILE, TRAINING
from tip_serving.training.quality.limits import LIMITS, Limits

A_DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
CHECKS = of_events.CHECKS | of_features.CHECKS
ALL = [(asset, check.name) for asset, checks in CHECKS.items() for check in checks]


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return archive(tmp_path)


def read(place: Archive, asset: str, day: dt.date) -> pl.DataFrame:
    if asset == PROFILE:
        return profiles.read_snapshot(place.lake, day)
    return training_set.read(place.lake, [day]) if asset == TRAINING else export.read_day(place.lake, asset, day)


def examined(
    place: Archive, name: str, day: dt.date = DAY, frame: pl.DataFrame | None = None, now: dt.datetime = LATER,
    limits: Limits = LIMITS,
) -> Outcome:  # fmt: skip
    """What the check of this name finds, in the day's own table or in another one."""
    asset = next(asset for asset, one in ALL if one == name)
    check = next(check for check in CHECKS[asset] if check.name == name)
    found = read(place, asset, day) if frame is None else frame
    return check.examine(Day(place.lake, asset, day, now, found, export.inventory(place.lake), limits))


def usual(n_days: int = 10, n_people: int = 40, *, seed: int = 1) -> list[AnyEvent]:
    """Days on which the same people do and are shown about the same."""
    rng = np.random.default_rng(seed)
    made: list[AnyEvent] = []
    for day in range(n_days):
        for person in range(n_people):
            name, user = f"{day}-{person}", f"user-{person}"
            at = dt.datetime.combine(DAY + day * A_DAY, dt.time(20), dt.UTC) + float(rng.uniform(0, 3)) * HOUR
            made.append(AppOpened(event_id=f"s-{name}", at=at, user=user, session_id=name))
            made.append(decision(name, at, user))
            if rng.random() < 0.5:
                made.append(took(name, at=at + HOUR / 9, user=user))
            if day == 0:
                made.append(AccountSet(event_id=f"a-{name}", at=at, user=user, signed_up_at=NOON - person * A_DAY,
                                       language="en", time_zone="Europe/Paris"))  # fmt: skip
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = archive(tmp_path_factory.mktemp("sound"))
    made.refresh(usual())
    return made


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = archive(tmp_path_factory.mktemp("first"))
    made.refresh(usual(1))
    return made


TENTH = DAY + 9 * A_DAY


@pytest.mark.parametrize(("asset", "name"), ALL)
def test_every_check_passes_on_a_usual_day_and_tells_numbers(sound: Archive, asset: str, name: str) -> None:
    frame = read(sound, asset, TENTH)
    assert frame.height >= 10
    if name == "training_set_drift":  # the vectors of these decisions are drawn anew for each
        frame = training_set.read(sound.lake, [TENTH - A_DAY])
    found = examined(sound, name, TENTH, frame, limits=LIMITS._replace(psi=9.0))  # a young app: counts grow
    assert found.passed, found.words
    assert found.numbers
    assert all(isinstance(value, int | float | str) for value in found.numbers.values())


@pytest.mark.parametrize(("asset", "name"), ALL)
def test_no_check_fails_on_the_first_day_of_all_or_dies_of_an_empty_one(
    first_day: Archive, asset: str, name: str
) -> None:
    assert examined(first_day, name).passed
    empty = read(first_day, asset, DAY).clear()
    outcome = examined(first_day, name, frame=empty)
    assert outcome.passed or name in {
        f"{asset}_fresh", "tip_scores_complete", "profile_features_whole", "training_set_covers",
    }  # fmt: skip


def test_a_silence_is_told_of_a_day_that_is_over_and_of_the_present_one(place: Archive) -> None:
    place.refresh([decision("d")])
    past = examined(place, "exposures_fresh")
    assert (past.passed, past.numbers["silence_h"]) == (False, 12.0)
    assert examined(place, "exposures_fresh", now=NOON + 6 * HOUR).passed
    assert not examined(place, "exposures_fresh", now=NOON + 6.1 * HOUR).passed


def test_a_day_with_half_the_usual_rows_is_unusual_and_the_present_one_is_not_judged(sound: Archive) -> None:
    half = read(sound, Kind.SIGNAL, TENTH).head(10)
    found = examined(sound, "signals_volume", TENTH, half)
    assert not found.passed
    assert found.numbers["expected"] == 40
    assert found.numbers["rows"] == 10
    present = dt.datetime.combine(TENTH, dt.time(21), dt.UTC)
    assert examined(sound, "signals_volume", TENTH, half, now=present).passed


def test_rows_twice_nulls_and_rows_of_another_day_are_faults(sound: Archive) -> None:
    frame = read(sound, Kind.FEEDBACK, TENTH)
    broken = pl.concat([frame, frame.head(2)]).with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("user").alias("user")
    )
    found = examined(sound, "feedback_sound", TENTH, broken)
    assert not found.passed
    assert (found.numbers["twice"], found.numbers["user"]) == (2, 1)
    assert examined(sound, "feedback_sound", DAY, frame).numbers["of_another_day"] == frame.height


def test_improper_propensities_and_altered_vectors_are_faults(sound: Archive) -> None:
    frame = read(sound, Kind.EXPOSURE, TENTH)
    halved = pl.when(pl.int_range(pl.len()) < 2).then(pl.col("propensities").list.eval(pl.element() / 2))
    other = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("0" * 16)).otherwise("vector_hash").alias("vector_hash")
    broken = frame.with_columns(halved.otherwise("propensities").alias("propensities"), other)
    found = examined(sound, "exposures_proper", TENTH, broken)
    assert not found.passed
    assert (found.numbers["improper_propensities"], found.numbers["altered_vectors"]) == (2, 1)
    assert broken["decision_id"][0] in found.words


def test_a_written_tip_has_the_propensity_of_its_prompt_alone_which_need_not_be_1(sound: Archive) -> None:
    frame = read(sound, Kind.EXPOSURE, TENTH)
    written = frame.head(3).with_columns(
        pl.lit("generate").alias("kind"),
        pl.col("tip_ids").list.head(1),
        pl.Series("propensities", [[0.25], [1.0], [0.0]]),
    )
    found = examined(sound, "exposures_proper", TENTH, pl.concat([written, frame.slice(3)]))
    assert found.numbers["improper_propensities"] == 1
    assert frame["decision_id"][2] in found.words


def test_arms_that_fail_are_told_with_the_kind_of_error(place: Archive) -> None:
    place.refresh([decision(f"d{n}", error="TimeoutError" if n < 3 else None, latency_ms=5.0 + n) for n in range(100)])
    found = examined(place, "exposures_served")
    assert not found.passed
    assert "TimeoutError" in found.words
    assert (found.numbers["failed"], found.numbers["latency_p99_ms"]) == (3, 103.0)
    assert examined(place, "exposures_served", limits=LIMITS._replace(failed=0.03)).passed


def test_feedback_that_matches_no_decision_of_that_person_and_tip_is_counted(place: Archive) -> None:
    events = [decision(f"d{n}", user=f"u{n}") for n in range(40)]
    told = [took(f"d{n}", user=f"u{n}") for n in range(37)]
    place.refresh([*events, *told])
    assert examined(place, "feedback_matched").passed
    place.refresh([took("d37", user="another"), took("d38", user="u38", tip="never offered"), took("unheard of")])
    found = examined(place, "feedback_matched")
    assert not found.passed
    assert found.numbers == {"unmatched": 3, "unmatched_share": 3 / 40}
    late = took("d39", user="u39", after=LIMITS.matched_within)
    place.refresh([late])
    assert examined(place, "feedback_matched", late.at.date()).passed


def test_reports_that_repeat_one_another_are_counted_and_changed_ratings_are_not(place: Archive) -> None:
    place.refresh([
        decision("d"), took("d"), took("d", event_id="again"),
        *(took("d", "rated", event_id=f"r{n}", rating=n / 9) for n in range(9)),
    ])  # fmt: skip
    found = examined(place, "feedback_once")
    assert not found.passed
    assert found.numbers == {"repeated": 1, "repeated_share": 0.5}


def test_a_decision_without_its_tip_is_a_fault(sound: Archive) -> None:
    frame = read(sound, TIP_SCORES, TENTH)
    gone = frame["decision_id"][5]
    found = examined(sound, "tip_scores_complete", TENTH, frame.filter(pl.col("decision_id") != gone))
    assert not found.passed
    assert gone in found.words


def test_a_snapshot_lacks_nobody_and_is_of_the_end_of_its_day(sound: Archive) -> None:
    frame = read(sound, PROFILE, TENTH)
    found = examined(sound, "profile_features_whole", TENTH, frame.tail(-3))
    assert (found.passed, found.numbers["active_and_missing"]) == (False, 3)
    early = frame.with_columns(pl.col("computed_at") - HOUR)
    assert examined(sound, "profile_features_whole", TENTH, early).numbers["of_another_moment"] == frame.height


def test_a_snapshot_may_lack_people_of_whom_nothing_may_be_kept_much_longer(place: Archive) -> None:
    soon = profiles.end_of(DAY) + A_DAY
    place.refresh([decision("d"), AppOpened(event_id="s", at=NOON, user="v", session_id="s", retain_until=soon)])
    assert read(place, PROFILE, DAY)["user"].to_list() == ["u"]
    assert examined(place, "profile_features_whole").passed


def test_a_feature_that_is_suddenly_unknown_is_named(sound: Archive) -> None:
    frame = read(sound, PROFILE, TENTH)
    is_lost = pl.int_range(pl.len()) < 5
    lost = frame.with_columns(pl.when(is_lost).then(None).otherwise("language").alias("language"))
    found = examined(sound, "profile_features_known", TENTH, lost)
    assert not found.passed
    assert "language (0% to 12%)" in found.words
    assert examined(sound, "profile_features_known", TENTH, lost, limits=LIMITS._replace(more_null=0.2)).passed


@pytest.mark.parametrize(
    ("feature", "value"), [("language", pl.lit("de")), ("account_age_days", pl.col("account_age_days") + 300)]
)
def test_a_feature_whose_distribution_shifts_is_named_with_its_index(
    sound: Archive, feature: str, value: pl.Expr
) -> None:
    frame = read(sound, PROFILE, TENTH)
    shifted = frame.with_columns(value.cast(frame.schema[feature]).alias(feature))
    before = examined(sound, "profile_features_drift", TENTH)
    assert f"{feature} (" not in before.words
    found = examined(sound, "profile_features_drift", TENTH, shifted)
    assert not found.passed
    assert f"{feature} (" in found.words
    assert before.numbers[f"{feature}_psi"] < 1 < found.numbers[f"{feature}_psi"]  # type: ignore[operator]


def test_training_columns_and_the_reward_are_held_against_the_week_before(sound: Archive) -> None:
    frame = read(sound, TRAINING, TENTH)
    column = names()[0]
    assert examined(sound, "training_set_drift", TENTH).numbers[f"{column}_psi"] < 1  # type: ignore[operator]
    shifted = frame.with_columns((pl.col(column) + 5).alias(column), pl.lit(1.0).alias("reward"))
    found = examined(sound, "training_set_drift", TENTH, shifted)
    assert not found.passed
    assert f"{column} (" in found.words
    assert "reward (" in found.words


def test_another_weekday_and_the_successes_of_an_open_window_are_no_shift(sound: Archive) -> None:
    frame = read(sound, TRAINING, TENTH)
    other = frame.with_columns(pl.lit(6.0).alias("context_weekday"), pl.lit(1.0).alias("reward"))
    told = examined(sound, "training_set_drift", TENTH, other).words
    assert "context_weekday" not in told
    assert "reward (" in told
    young = other.with_columns(pl.lit(LATER).alias("at"))
    assert "reward (" not in examined(sound, "training_set_drift", TENTH, young).words


def test_faulty_training_rows_are_faults(sound: Archive) -> None:
    frame = read(sound, TRAINING, TENTH)
    first = pl.int_range(pl.len()) == 0
    broken = pl.concat([frame, frame.head(1)]).with_columns(
        pl.when(first).then(0.0).otherwise("propensity").alias("propensity"),
        pl.when(first).then(0.4).otherwise("reward").alias("reward"),
        pl.when(first).then(float("nan")).otherwise(names()[0]).alias(names()[0]),
        pl.when(first).then(float("inf")).otherwise(names()[1]).alias(names()[1]),
    )
    found = examined(sound, "training_set_sound", TENTH, broken)
    assert not found.passed
    counted = {name: found.numbers[name] for name in ("improper_propensities", "odd_rewards", "twice")}
    assert counted == {"improper_propensities": 1, "odd_rewards": 1, "twice": 1}
    assert f"missing: {names()[0]}" in found.words
    assert f"infinite: {names()[1]}" in found.words


def test_decisions_that_cannot_be_trained_on_and_fallbacks_are_shares_of_all(place: Archive) -> None:
    place.refresh([
        decision(f"d{n}", user=f"u{n}", contract_hash="another" if n < 3 else decision("x").contract_hash,
                 fell_back={"language": "null"} if n % 2 else {})
        for n in range(11)
    ])  # fmt: skip
    found = examined(place, "training_set_covers")
    assert (found.passed, found.numbers["left_out_share"]) == (False, round(3 / 11, 5))
    fallbacks = examined(place, "training_set_fallbacks")
    assert (fallbacks.passed, fallbacks.numbers) == (True, {"decisions": 8, "language_fell_back_share": 0.5})
    assert not examined(place, "training_set_fallbacks", limits=LIMITS._replace(fell_back=0.4)).passed
