"""What policies read and are set to, as cards tell it."""

from collections.abc import Mapping

from tip_serving.scoring import policy_context
from tip_serving.training.cards.card import Input


def plain(parameters: Mapping[str, object]) -> dict[str, str | float | int | bool | None]:
    """The parameters that are single values."""
    return {name: value for name, value in parameters.items() if isinstance(value, str | float | int | bool)}


_MEANINGS = {
    "hour_sin": "hour of the local day, as the sine of its angle",
    "hour_cos": "hour of the local day, as the cosine of its angle",
    "is_weekend": "Saturday or Sunday",
    "tasks": "open tasks, grown slowly: 1 for 50",
    "overdue_share": "overdue tasks / open tasks",
    "due_today_share": "tasks due today / open tasks",
    "completion_rate": "tasks done / tasks due, 30 days",
    "acceptance_rate": "tips accepted / tips shown, 30 days",
    "dismissal_rate": "tips dismissed / tips shown, 30 days",
    "tips_7d": "tips shown in 7 days, grown slowly: 1 for 50",
    "streak": "days in a row with a task done, grown slowly: 1 for 30",
    "account_age": "days since sign-up, grown slowly: 1 for 1,000",
}


def context_inputs() -> tuple[Input, ...]:
    """What a contextual policy reads of the person and the moment."""
    return tuple(
        Input(
            name=name, meaning=_MEANINGS[name], low=-1.0 if name in {"hour_sin", "hour_cos"} else 0.0, high=4.0,
            may_be_missing=False, importance=None,
        )
        for name in policy_context.NAMES
    )  # fmt: skip
