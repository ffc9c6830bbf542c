"""The steps of a demo in their order. Each is in the journal when it is done, so the same command goes on behind it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from tip_assets.demo.installation import Installation
from tip_assets.demo.journal import Journal
from tip_assets.demo.living import Stretch
from tip_assets.demo.plan import Plan


@dataclass
class Story:
    """A demo under way.

    Args:
        plan: what it is asked to do.
        up: what it runs with.
        journal: what is done.
        tell: hears of each step, with how much of the whole is done, in [0, 1].
    """

    plan: Plan
    up: Installation
    journal: Journal
    tell: Callable[[str, float], None]

    def run(self) -> list[Stretch]:
        """Everything, from the bench to the last day; what was lived."""
        lived = [self.journal.once("history", Stretch, self.up.living.history)]
        for day in range(self.plan.n_days):
            self.tell(f"day {day + 1}", day / self.plan.n_days)
            lived.append(self._day(day, lived[-1]))
        return lived

    def _day(self, day: int, before: Stretch) -> Stretch:
        begin = self.plan.midnight(day)
        return self.journal.once(
            f"day-{day + 1:02d}",
            Stretch,
            lambda: self.up.living.stretch(begin, begin + dt.timedelta(days=1), before.later, None),
        )
