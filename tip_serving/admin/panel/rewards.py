"""What people did with tips: rates over time, comparisons, shares of arms, and whether judges predict people."""

from typing import Any

from tip_serving.admin.panel import foresight, rewards_shown
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.errors import DAMAGE
from tip_serving.admin.service.rewards import RateRow
from tip_serving.admin.service.users import READERS, User, require
from tip_serving.rewards.tables import Dimension, Window

LOOKS_EVERY_S = 30.0
"""The assets run once a minute at most."""


class RewardsView(View, component="views/rewards.js"):
    """Draws rates, comparisons, shares and judges."""


async def told(desk: Desk, visitor: Visitor, user: User) -> None:
    """What the address asks for; looked at again while the page is open. Raises ForbiddenError."""
    require(user, READERS, "see rewards")
    wanted = _wanted(dict(visitor.query))
    view = RewardsView()
    view.show(wanted=wanted)

    async def look(now: User) -> None:
        question = ("rewards", now.role, *wanted.values())
        asked = dict(wanted)
        view.show(page=await desk.live.ask(question, lambda: _page(desk, now, asked), LOOKS_EVERY_S))

    async def sift(now: User, asked: Any) -> None:
        wanted.update(_wanted(asked if isinstance(asked, dict) else {}))
        await look(now)

    visitor.soon(look)
    visitor.on(view, "sift", sift)
    visitor.every(LOOKS_EVERY_S, look)


def _wanted(asked: dict[str, Any]) -> dict[str, str]:
    """What a browser asks to see, in the shape that the service takes."""
    by, over = str(asked.get("by", "")), str(asked.get("over", ""))
    return {
        "by": by if by in set(Dimension) else Dimension.PROMPT.value,
        "over": over if over in set(rewards_shown.WINDOWS) else "",
        "key": str(asked.get("key", ""))[:500],
        "beside": str(asked.get("beside", ""))[:500],
    }


def _page(desk: Desk, user: User, wanted: dict[str, str]) -> dict[str, Any]:
    service, dimension = desk.admin.rewards, Dimension(wanted["by"])
    try:
        everything = service.rates(user, Dimension.ARM, Window.ALL).items
        window = Window(wanted["over"]) if wanted["over"] else rewards_shown.usual_window(everything)
        whole = service.rates(user, dimension, Window.ALL).items
        over_time = _all_rates(desk, user, dimension, window)
        compared = service.comparisons(user, dimension)
        found = {
            "ratios": rewards_shown.ratios(service.sample_ratios(user)),
            "judges": foresight.judges(service.judges(user)),
        }
    except (*DAMAGE, OSError) as error:
        return {"fault": str(error)}
    keys = [row.key for row in whole]
    of_reference = {row.key: row.reference for row in compared}
    first = wanted["key"] if wanted["key"] in keys else next((row.key for row in compared), keys[0] if keys else "")
    beside = wanted["beside"] if wanted["beside"] in keys else of_reference.get(first, "")
    drawn = [key for key in dict.fromkeys((first, beside)) if key]
    return found | {
        "is_empty": not everything,
        "lead": rewards_shown.lead(everything) if everything else "",
        "dimensions": [{"key": one.value, "name": name} for one, name in rewards_shown.DIMENSIONS.items()],
        "windows": [{"key": one.value, "name": name} for one, name in rewards_shown.WINDOWS.items()],
        "over": window.value,
        "table": rewards_shown.table(whole, over_time),
        "keys": keys,
        "key": first,
        "beside": "" if beside == first else beside,
        "chart": rewards_shown.chart(over_time, drawn),
        "comparisons": rewards_shown.comparisons(compared),
    }


def _all_rates(desk: Desk, user: User, dimension: Dimension, window: Window) -> list[RateRow]:
    """Every page of them."""
    found: list[RateRow] = []
    offset: int | None = 0
    while offset is not None:
        page = desk.admin.rewards.rates(user, dimension, window, offset=offset)
        found += page.items
        offset = page.next_offset
    return found
