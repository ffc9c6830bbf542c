"""What a training may be asked for, and how its trouble is told."""

import datetime as dt
from collections.abc import Callable

import dagster as dg
import pytest

from tip_assets.definitions import defs
from tip_assets.models.asked import Training, told_plainly
from tip_assets.resources.archive import Archive
from tip_serving.training.evidence import EvidenceError
from tip_serving.training.parts import TrainingError

NOW = dt.datetime(2026, 3, 20, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
ARCHIVE = Archive(None, None, NOW, None)  # type: ignore[arg-type]  # nothing but the moment is asked for


def test_without_days_it_is_the_latest_ones_in_utc() -> None:
    asked = Training(n_days=3).request(ARCHIVE)
    assert asked.days == (dt.date(2026, 3, 17), dt.date(2026, 3, 18), dt.date(2026, 3, 19))
    assert (asked.now, asked.seed, asked.by) == (NOW, 1, "training")


def test_named_days_are_those_both_ends_included() -> None:
    asked = Training(first_day="2026-02-27", last_day="2026-03-01").request(ARCHIVE)
    assert [day.day for day in asked.days] == [27, 28, 1]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({"first_day": "2026-03-05", "last_day": "2026-03-04"}, "There are no days from 2026-03-05 to 2026-03-04"),
        ({"first_day": "yesterday"}, "first_day is 'yesterday'; expected a day such as 2026-03-02"),
        ({"last_day": "2026-02-30"}, "last_day is '2026-02-30'"),
    ],
)
def test_days_that_are_none_are_told(days: dict[str, str], told: str) -> None:
    with pytest.raises(dg.Failure, match=told):
        Training(**days).request(ARCHIVE)


class _Mlflow:
    """Notes what it is told of the run."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def set_tag(self, name: str, value: str) -> None:
        self.told.append(f"{name}: {value}")

    def end_run(self, status: str) -> None:
        self.told.append(status)


@pytest.mark.parametrize("error", [TrainingError("The model", ["no rows"]), EvidenceError("No decision can be read.")])
def test_what_cannot_be_done_is_one_sentence_and_is_not_tried_again(error: Exception) -> None:
    mlflow = _Mlflow()
    with pytest.raises(dg.Failure) as failed, told_plainly(mlflow):
        raise error
    assert failed.value.description == str(error)
    assert failed.value.allow_retries is False
    assert mlflow.told == [f"tip.reason: {error}", "FAILED"]


@pytest.mark.parametrize("raised", [KeyError, KeyboardInterrupt])
def test_what_nobody_expected_fails_the_run_and_goes_on_its_way(raised: Callable[[], BaseException]) -> None:
    mlflow = _Mlflow()
    with pytest.raises(BaseException) as passed, told_plainly(mlflow):  # noqa: PT011  whatever it is
        raise raised()
    assert type(passed.value) is raised
    assert mlflow.told == ["FAILED"]


def test_the_night_trains_with_what_is_set_and_not_before_somebody_asks_for_it() -> None:
    schedule = defs.resolve_schedule_def("train_every_night")
    assert schedule.job_name == "train"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
