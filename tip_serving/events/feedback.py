"""The feedback event: how a user took a tip. Grain: one reaction to one decision."""

from typing import Annotated, Literal

import msgspec

from tip_serving.events.event import Event

Reaction = Literal["shown", "accepted", "dismissed", "done", "snoozed", "rated"]
Rating = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Feedback(Event, frozen=True, kw_only=True, tag="feedback"):
    """One reaction; `rating` goes with `rated` and lies in [0, 1], 1 for the best."""

    decision_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    tip_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    reaction: Reaction
    rating: Rating | None = None
    schema_version: Literal[1] = 1

    def __post_init__(self) -> None:
        if (self.rating is not None) != (self.reaction == "rated"):
            raise ValueError(
                f"A reaction {self.reaction!r} with rating {self.rating} says nothing clear: `rated` needs a rating, "
                "and no other reaction has one"
            )

    @property
    def subject(self) -> str:
        """`feedback.accepted`, say."""
        return f"feedback.{self.reaction}"
