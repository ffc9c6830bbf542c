"""Which judge is given what: shares of an experiment's scenarios, and pairs of tips. Pure functions of names.

Everything here follows from what exists and from what was asked, never from what is scored already. So whoever exports
again gets the same shares and the same pairs, with what is done left out.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple


class AllocationError(ValueError):
    """A share that cannot be dealt; says why."""


class Share(NamedTuple):
    """How several judges divide the scenarios of an experiment."""

    judges: tuple[str, ...]
    overlap: float
    """Share of scenarios that every judge gets, in [0, 1]: agreement is measured on these."""

    def of(self, judge: str, scenario_ids: Collection[str]) -> set[str]:
        """The scenarios that `judge` is given: whole ones, so that differences between cells stay paired.

        Raises:
            AllocationError: the judge is not among the judges, one is named twice, or the overlap is no share.
        """
        faults = []
        if judge not in self.judges:
            faults.append(f"{judge} is not among the judges {', '.join(self.judges)}")
        if len(set(self.judges)) != len(self.judges):
            faults.append("a judge is named twice")
        if not 0 <= self.overlap <= 1:
            faults.append(f"an overlap of {self.overlap:g} is no share between 0 and 1")
        if faults:
            raise AllocationError("; ".join(faults))
        dealt = sorted(set(scenario_ids), key=shuffled)
        n_common = round(self.overlap * len(dealt))
        return {*dealt[:n_common], *dealt[n_common + self.judges.index(judge) :: len(self.judges)]}


class Tip(NamedTuple):
    """What pairing needs to know of a candidate."""

    candidate_id: str
    cell: str
    scenario_id: str


class Pair(NamedTuple):
    """Two candidates of one scenario, in the order in which they are shown."""

    first_id: str
    second_id: str
    scenario_id: str


def pairs(tips: Iterable[Tip], partners: int) -> list[Pair]:
    """Pairs of tips of different cells, each in both orders.

    In each scenario the cells stand in a ring of an order of its own, and each meets its next `partners` neighbours:
    with C cells that is C x partners pairs instead of C (C - 1) / 2, every cell equally often, and over a few scenarios
    every cell against every other. Where a cell has several tips for a scenario, one of them stands for it.

    Args:
        tips: all candidates.
        partners: neighbours that each cell meets on one side of the ring, at least 1.
    """
    by_scenario: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for tip in tips:
        by_scenario[tip.scenario_id][tip.cell].append(tip.candidate_id)
    found = []
    for scenario_id, cells in by_scenario.items():
        ring = sorted(cells, key=lambda cell: shuffled(f"{scenario_id}:{cell}"))
        standing = [min(cells[cell], key=shuffled) for cell in ring]
        meetings = {
            tuple(sorted((place, (place + step) % len(ring))))
            for place in range(len(ring))
            for step in range(1, min(partners, len(ring) // 2) + 1)
        }
        for one, other in sorted(meetings):
            found.append(Pair(standing[one], standing[other], scenario_id))
            found.append(Pair(standing[other], standing[one], scenario_id))
    return found


def shuffled(name: str) -> str:
    """A key that sorts names in an order that has nothing to do with them."""
    return hashlib.sha256(name.encode()).hexdigest()
