"""What policies read and are set to, as cards tell it."""

from collections.abc import Mapping

from tip_serving.scoring import policy_context
from tip_serving.training.cards.card import Input


def plain(parameters: Mapping[str, object]) -> dict[str, str | float | int | bool | None]:
    """The parameters that are single values."""
    return {name: value for name, value in parameters.items() if isinstance(value, str | float | int | bool)}


def context_inputs() -> tuple[Input, ...]:
    """What a contextual policy reads of the person and the moment."""
    return tuple(
        Input(
            name=name, meaning=f"{name.replace('_', ' ')} of the policy context", low=-1.0, high=4.0,
            may_be_missing=False, importance=None,
        )
        for name in policy_context.NAMES
    )  # fmt: skip
