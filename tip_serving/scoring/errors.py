"""What a request may be refused with, by what the caller can do about it.

RefusedError
|-- RequestError    the request cannot be meant as it stands
|-- ConflictError   it was made for another contract than this server's
`-- UpstreamError   no language model answered, and the caller wants no other tip
"""

from collections.abc import Sequence


class RefusedError(Exception):
    """A request that gets no answer; `faults` are all of them, not the first one."""

    def __init__(self, summary: str, faults: Sequence[str] = ()) -> None:
        super().__init__(summary)
        self.summary = summary
        self.faults = tuple(faults)


class RequestError(RefusedError):
    """Fields that are missing, unknown, of another type or out of range."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"The request has {len(faults)} fault{'s' if len(faults) != 1 else ''}.", faults)


class ConflictError(RefusedError):
    """The caller and this server disagree on what they both rely on."""


class UpstreamError(RefusedError):
    """No model answered within the budget.

    Args:
        retry_after_s: when asking again makes sense; None where no waiting helps.
    """

    def __init__(self, summary: str, faults: Sequence[str], retry_after_s: int | None) -> None:
        super().__init__(summary, faults)
        self.retry_after_s = retry_after_s
