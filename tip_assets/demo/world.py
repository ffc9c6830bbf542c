"""The world of the demo: people, their lists and days, the tips that the app knows, and how people react to tips.

Everything follows from the seed. What a person does with a tip follows from the decision and the tip alone, so a call
that is made again is answered again in the same way.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_assets.demo import rhythm, tastes
from tip_assets.demo.catalogue import known_tips, language_of
from tip_assets.demo.people import Person, people
from tip_assets.demo.rhythm import Opening
from tip_assets.demo.tasks import LivedTask, lived_tasks, open_tasks
from tip_serving.events.feedback import Reaction
from tip_serving.generation.embedded import WRITERS
from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.model import Situation

_LATER = 0.12  # of those who take a tip come back to it hours later
_DONE = 0.45  # of those who take a tip do what it says
_DISMISSED = (0.1, 0.45)  # of those who do not: at a chance of 1, and how many more at a chance of 0
_RATED = 0.08


class Reacted(NamedTuple):
    """One reaction to a shown tip."""

    reaction: Reaction
    at: dt.datetime
    rating: float | None = None


@dataclass(frozen=True)
class World:
    """Who lives, from which day on, and for how long."""

    n_people: int
    seed: int
    first_day: dt.date
    n_days: int
    people: tuple[Person, ...] = field(init=False)
    _tasks: tuple[tuple[LivedTask, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = people(self.n_people, self.seed, self.first_day)
        object.__setattr__(self, "people", found)
        lists = tuple(lived_tasks(person, self.seed, self.first_day, self.n_days) for person in found)
        object.__setattr__(self, "_tasks", lists)

    def midnight(self, day: int) -> dt.datetime:
        """When a day begins, UTC, counted from 0."""
        return dt.datetime.combine(self.first_day + dt.timedelta(days=day), dt.time(), dt.UTC)

    def tasks(self, person: Person) -> tuple[LivedTask, ...]:
        """All tasks that this person ever has."""
        return self._tasks[person.index]

    def openings(self, person: Person, day: int) -> tuple[Opening, ...]:
        """When a person opens the app on one day, counted from 0; days of the history are negative."""
        return rhythm.openings(person, day, self.seed, self.first_day)

    def situation(self, opening: Opening) -> Situation:
        """What an app would send of this moment."""
        return Situation(now=opening.at, tasks=open_tasks(self.tasks(opening.person), opening.at))

    def choice(self, opening: Opening, temperature: float, *, writes: bool) -> list[str]:
        """Every tip that could be shown: known by heart, or written by any arm where a tip is written.

        Args:
            opening: when.
            temperature: of the server's models.
            writes: whether a new tip is written.
        """
        person = opening.person
        known = list(known_tips(person.language))
        if not writes:
            return known
        account = {"language": person.language, "time_zone": person.time_zone}
        situation = self.situation(opening).model_copy(update={"profile_features": account})
        return [*known, *could_be_written(situation, temperature).values()]

    def react(self, opening: Opening, chance: float) -> tuple[Reacted, ...]:
        """What a person does with the tip that they are shown.

        The luck of an opening is the same whichever tip is shown: a better tip is never taken less.

        Args:
            opening: when it is shown.
            chance: the true probability that they take it.
        """
        rng = np.random.default_rng([self.seed, 4, opening.person.index, opening.day, opening.number])
        luck, later, done, dismissed, rated, noise = rng.random(6)
        soon = opening.at + dt.timedelta(seconds=int(rng.integers(20, 240)))
        found = [Reacted("shown", opening.at)]
        if luck < chance:
            taken = soon if later >= _LATER else soon + dt.timedelta(hours=float(rng.uniform(5, 20)))
            found.append(Reacted("accepted", taken))
            if done < _DONE:
                found.append(Reacted("done", taken + dt.timedelta(minutes=int(rng.integers(5, 60)))))
        else:
            low, more = _DISMISSED
            found.append(Reacted("dismissed" if dismissed < low + more * (1 - chance) else "snoozed", soon))
        if rated < _RATED:
            rating = round(0.6 + 0.4 * noise if luck < chance else 0.4 * noise, 2)
            found.append(Reacted("rated", found[-1].at + dt.timedelta(seconds=30), rating))
        return tuple(found)


def chances(person: Person, situation: Situation, tips: Sequence[str]) -> NDArray[np.float64]:
    """(K,) float64 in (0, 1), the true probability of each of these tips to be taken; see `tastes`."""
    return tastes.chances(person, situation, tips, [language_of(tip) == person.language for tip in tips])


def could_be_written(situation: Situation, temperature: float) -> dict[str, str]:
    """What each (model, prompt) arm would write now, by the name of the arm.

    Args:
        situation: with the profile features that the server has of the person.
        temperature: of the server's models.
    """
    found = {}
    for version in registry.versions():
        messages = render(registry.get(version), situation)
        for writer in WRITERS.values():
            text = writer.write(messages, temperature=temperature, seed=None)
            found[f"embedded/{writer.name}@{version}"] = text
    return found
