"""Signals: what people do with their tasks and the app, from which profile features are computed.

Grain: one thing done, or one setting that took effect. Signals hold ids, moments and labels; never a task's text.
"""

from typing import Annotated, Literal

import msgspec

from tip_serving.events.event import Event, Moment

TaskId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
SessionId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Priority = Literal[1, 2, 3, 4]
Labels = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=200)], ...], msgspec.Meta(max_length=200)]


class Signal(Event, frozen=True, kw_only=True):
    """What all signals have; `at` carries the person's own offset from UTC, so that local hours can be read off."""

    schema_version: Literal[1] = 1

    @property
    def subject(self) -> str:
        """`signals.task_completed`, say."""
        return f"signals.{self.__struct_config__.tag}"


class TaskAdded(Signal, frozen=True, kw_only=True, tag="task_added"):
    """A task came to the list; `due_at` is the end of the day for a task that is due on a whole day."""

    task_id: TaskId
    due_at: Moment | None = None
    priority: Priority = 1
    labels: Labels = ()


class TaskCompleted(Signal, frozen=True, kw_only=True, tag="task_completed"):
    """A task was done, as it stood then."""

    task_id: TaskId
    due_at: Moment | None = None
    priority: Priority = 1
    labels: Labels = ()


class TaskRescheduled(Signal, frozen=True, kw_only=True, tag="task_rescheduled"):
    """A task is due at another time; null for no longer due at all."""

    task_id: TaskId
    due_at: Moment | None = None


class TaskRemoved(Signal, frozen=True, kw_only=True, tag="task_removed"):
    """A task left the list without being done."""

    task_id: TaskId


class AppOpened(Signal, frozen=True, kw_only=True, tag="app_opened"):
    """A session began."""

    session_id: SessionId


class AppClosed(Signal, frozen=True, kw_only=True, tag="app_closed"):
    """A session ended."""

    session_id: SessionId


class AccountSet(Signal, frozen=True, kw_only=True, tag="account_set"):
    """The settings of an account as they are from now on; null for those that were not told."""

    signed_up_at: Moment | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    quiet_hours: Annotated[str, msgspec.Meta(max_length=5)] | None = None


AnySignal = TaskAdded | TaskCompleted | TaskRescheduled | TaskRemoved | AppOpened | AppClosed | AccountSet
