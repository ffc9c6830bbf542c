"""How a judge's scores of anchors deviate from the settled ones, batch by batch."""

import polars as pl

from tip_serving.bench.page.content import Drift


def drift_of(judge: str, anchors: pl.DataFrame) -> Drift | None:
    """The judge's deviations in the order judged; None where nothing can be told yet."""
    del judge, anchors
    return None
