"""What the service refuses, by meaning; each carries the faults that a person can mend.

ServiceError
  ForbiddenError   the user's role does not go so far
  NotFoundError    there is no such thing
  ConflictError    something else is there already
  FaultsError      the input cannot be taken
  UnavailableError what it needs does not answer; nothing was lost
"""

from collections.abc import Sequence

from polars.exceptions import PolarsError

from tip_serving.bench.spec import Fault
from tip_serving.lake.storage import LakeError

DAMAGE = (LakeError, PolarsError)
"""What reading and writing the lake raises where it is away, or where a file in it is no such file any more."""
UNREADABLE = "The lake cannot be read or written just now. Nothing is lost; the log of the server says more."
"""Instead of what exactly, for those who judge: a path in the lake tells model and prompt."""


class ServiceError(Exception):
    """What was asked for was not done.

    Args:
        detail: one sentence for the person who asked.
        faults: what to mend, field by field.
    """

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)


class ForbiddenError(ServiceError):
    """The user's role does not go so far."""


class NotFoundError(ServiceError):
    """There is no such thing."""


class ConflictError(ServiceError):
    """Something else is there already."""


class FaultsError(ServiceError):
    """The input cannot be taken; nothing was changed."""


class UnavailableError(ServiceError):
    """What it needs does not answer."""
