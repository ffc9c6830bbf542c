"""What a training run may be asked for, and how its trouble is told."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from tip_assets.resources.archive import Archive
from tip_serving.lake.storage import MissingError
from tip_serving.scoring.loading import ReleaseError
from tip_serving.scoring.manifest import ManifestError
from tip_serving.training.evidence import EvidenceError
from tip_serving.training.parts import TrainingError
from tip_serving.training.steps import Request

GROUP = "models"


class Training(dg.Config):
    """Which days are learnt from, and the seed that makes the same rows the same model."""

    n_days: int = Field(default=28, ge=1, le=730, description="The latest UTC days, where no others are named.")
    first_day: str | None = Field(default=None, description="YYYY-MM-DD, together with last_day.")
    last_day: str | None = Field(default=None, description="YYYY-MM-DD.")
    seed: int = Field(default=1, ge=0, description="Of everything that is drawn.")
    by: str = Field(default="training", min_length=1, description="Who asks; it stands in the cards' history.")

    def request(self, archive: Archive) -> Request:
        """The request, seen from the archive's moment.

        Raises:
            dg.Failure: the days are none.
        """
        last = _day("last_day", self.last_day) or archive.now.astimezone(dt.UTC).date()
        first = _day("first_day", self.first_day) or last - dt.timedelta(days=self.n_days - 1)
        if first > last:
            raise dg.Failure(f"There are no days from {first} to {last}; first_day has to come before last_day.")
        days = tuple(first + dt.timedelta(days=number) for number in range((last - first).days + 1))
        return Request(days, self.seed, archive.now, self.by)


def _day(name: str, value: str | None) -> dt.date | None:
    try:
        return None if value is None else dt.date.fromisoformat(value)
    except ValueError:
        raise dg.Failure(f"{name} is {value!r}; expected a day such as 2026-03-02.") from None


@contextmanager
def told_plainly(mlflow: Any) -> Iterator[None]:
    """What training cannot do ends the MLflow run as failed and the step with one sentence; asking again is no help."""
    try:
        yield
    except (TrainingError, EvidenceError, MissingError, ManifestError, ReleaseError) as error:
        mlflow.set_tag("tip.reason", str(error)[:4_000])
        mlflow.end_run("FAILED")
        raise dg.Failure(str(error), allow_retries=False) from error
    except BaseException:
        mlflow.end_run("FAILED")
        raise
