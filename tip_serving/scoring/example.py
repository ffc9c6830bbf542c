"""The request on which every release is tried before it is served: stored with the release, else built in.

A stored example is JSON: `request`, a body of /score with its moment and profile features, and `scores`, by arm what
the model gave its candidates when it was trained. A server that computes other scores does not serve the model.
"""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from tip_serving.scenarios.model import Due, Task
from tip_serving.scoring import scorer
from tip_serving.scoring.request import ScoreRequest

_NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


class Example(BaseModel):
    """A question with the answers that are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: ScoreRequest
    scores: dict[str, Annotated[tuple[FiniteFloat, ...], "one per candidate"]]

    def question(self) -> scorer.Question:
        """The request with its features. Raises RequestError."""
        asked = self.request
        found = scorer.moment(asked, asked.profile_features, asked.now or _NOON, asked.context)
        return scorer.question(asked, found)


def read_example(data: bytes) -> Example:
    """The example that `data` holds.

    Raises:
        ValueError: it holds something else.
    """
    try:
        return Example.model_validate_json(data, strict=True)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise ValueError(f"the stored example cannot be read: {'; '.join(faults[:10])}") from None


BUILT_IN = Example(
    request=ScoreRequest(
        user="example",
        now=_NOON,
        tasks=(
            Task(id="1", content="Call the dentist", due=Due(date=dt.date(2026, 2, 27)), priority=4),
            Task(id="2", content="Water the plants"),
        ),
        candidates=("Call the dentist now: ten minutes.", "Take a break.", "Start with what you like least today."),
    ),
    scores={},
)
