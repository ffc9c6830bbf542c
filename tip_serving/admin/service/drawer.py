"""Judgements of people that are not in the lake yet: durable at once, one row each, until they go in together.

To import each one for itself would leave one small file a tip; until it is imported, a judgement can be taken back.
"""

from typing import NamedTuple

import sqlalchemy as sa

from tip_serving.admin.auth.database import JUDGEMENTS, Database
from tip_serving.bench.judging.intake import Judgement


class Waiting(NamedTuple):
    """What waits of one judge in one experiment."""

    experiment: str
    judge: str
    n: int
    last_at: float
    """When the last one was given; seconds since 1970."""


class Drawer:
    """The judgements that wait, of all judges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, experiment: str, judgement: Judgement) -> None:
        """Keep one; in the place of an earlier one about the same item."""
        is_same = _is_of(experiment, judgement.judge, judgement.item)
        row = {"experiment": experiment, "judge": judgement.judge, "item": judgement.item}
        content = {"line": judgement.model_dump_json(exclude_none=True), "given_at": self._database.clock()}
        with self._database.engine.begin() as connection:
            connection.execute(sa.delete(JUDGEMENTS).where(is_same))
            connection.execute(sa.insert(JUDGEMENTS).values(**row, **content))

    def take_back(self, experiment: str, judge: str, item: str) -> bool:
        """Forget one; whether it still lay here."""
        with self._database.engine.begin() as connection:
            return connection.execute(sa.delete(JUDGEMENTS).where(_is_of(experiment, judge, item))).rowcount > 0

    def waiting(self) -> list[Waiting]:
        """Who has judgements here."""
        by = (JUDGEMENTS.c.experiment, JUDGEMENTS.c.judge)
        asked = sa.select(*by, sa.func.count(), sa.func.max(JUDGEMENTS.c.given_at)).group_by(*by)
        with self._database.engine.connect() as connection:
            return [Waiting(*row) for row in connection.execute(asked)]

    def lines(self, experiment: str, judge: str) -> list[str]:
        """The judgements of one judge as lines of a score file, in the order given."""
        asked = sa.select(JUDGEMENTS.c.line).where(_is_of(experiment, judge)).order_by(JUDGEMENTS.c.given_at)
        with self._database.engine.connect() as connection:
            return list(connection.scalars(asked))

    def forget(self, experiment: str, judge: str, lines: list[str]) -> None:
        """Drop those that are in the lake now; one that was changed meanwhile stays."""
        with self._database.engine.begin() as connection:
            for line in lines:
                connection.execute(sa.delete(JUDGEMENTS).where(_is_of(experiment, judge), JUDGEMENTS.c.line == line))


def _is_of(experiment: str, judge: str, item: str | None = None) -> sa.ColumnElement[bool]:
    is_item = sa.true() if item is None else JUDGEMENTS.c.item == item
    return sa.and_(JUDGEMENTS.c.experiment == experiment, JUDGEMENTS.c.judge == judge, is_item)
