"""What a demo is asked to do: fixed when it begins, so that the same command later goes on with the same life."""

import datetime as dt
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tip_serving.lake.storage import Lake, MissingError

FIRST_DAY = dt.date(2026, 3, 2)  # a Monday
USUAL_DAYS = 18
BENCH_DAY = 2
"""From which on the bench's leader is rolled out; before it, other writers are tried."""
FIRST_TRAINING = 8
"""Before which day the first models are trained. Earlier there is too little to part into four by time."""
FIRST_PROPOSAL = 9
"""Before which day they are proposed: a day more of decisions that they were not made from, for the gate to go by."""
BROKEN_DAY = 14
"""Before which day what a broken pipeline made is proposed."""
SECOND_TRAINING, SECOND_PROPOSAL = 18, 19
"""The same once more, in a demo that is longer than usual."""
NEED_ALL = frozenset({0, FIRST_TRAINING, FIRST_PROPOSAL, BROKEN_DAY, SECOND_TRAINING, SECOND_PROPOSAL})
"""Before these days everything must be materialized as store and lake say, what late reactions opened again too."""
TEMPERATURE = 0.7  # of the models that write
_FILE = "plan.json"


class PlanError(Exception):
    """A plan that differs from the one that the demo at this place began with."""


class Plan(BaseModel):
    """The whole input of a demo; everything else follows from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    n_days: int
    n_people: int
    first_day: dt.date = FIRST_DAY

    def day(self, number: int) -> dt.date:
        """The UTC day of this number, the first one being 0."""
        return self.first_day + dt.timedelta(days=number)

    def midnight(self, number: int) -> dt.datetime:
        """When that day begins, UTC."""
        return dt.datetime.combine(self.day(number), dt.time(), dt.UTC)


def begin(home: Path, asked: Plan) -> Plan:
    """Keep `asked` as the plan of the demo at `home`, or find that it is.

    Raises:
        PlanError: the demo there began with another one, or the file cannot be read.
    """
    files = Lake(str(home))
    try:
        there = Plan.model_validate_json(files.read(_FILE))
    except MissingError:
        files.write(_FILE, asked.model_dump_json().encode())
        return asked
    except ValidationError as error:
        raise PlanError(f"{home / _FILE} cannot be read: {error}. `--fresh` begins anew.") from None
    if there != asked:
        told = ", ".join(f"{name} {getattr(there, name)}" for name in Plan.model_fields)
        raise PlanError(
            f"The demo at {home} began with {told}. Go on with that, choose another --home, or say --fresh."
        )
    return there
