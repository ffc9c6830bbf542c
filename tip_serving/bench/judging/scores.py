"""Scores that judges gave. Append-only parts; grain: one row per candidate, judge, rubric version and import.

A later import of the same judge replaces the earlier score and leaves it in the history. *Unscored* is the absence of
a row, never a zero. The view of an experiment has one row per candidate and judge, with null where unscored.
"""

from collections.abc import Sequence

import polars as pl

from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import Schema, empty, read_table, write_table

SCORE_SCHEMA: Schema = {
    "candidate_id": pl.String,
    "judge": pl.String,
    "rubric_version": pl.String,
    "score": pl.Float64,  # mean over criteria, 1 to 5
    "comment": pl.String,
    "experiment": pl.String,  # through which the score came
    "imported_at": pl.Datetime("us", "UTC"),
}
VIEW_KEYS = ("candidate_id", "model", "prompt", "scenario_id", "sample_index")


def schema(rubric_version: str) -> Schema:
    """SCORE_SCHEMA with a column of points for each criterion of the rubric."""
    return {**SCORE_SCHEMA, **dict.fromkeys(load_rubric(rubric_version).names, pl.Float64)}


def append(lake: Lake, part: str, rows: Sequence[dict[str, object]], judge: str, rubric_version: str) -> None:
    """Add the rows of one import; a part of the same name replaces itself, so an import repeats without harm."""
    frame = pl.DataFrame(rows, schema=schema(rubric_version))
    write_table(lake, layout.score_part(judge, rubric_version, part), frame)


def has_part(lake: Lake, part: str, judge: str, rubric_version: str) -> bool:
    """Whether this import is in already."""
    return lake.exists(layout.score_part(judge, rubric_version, part))


def latest(lake: Lake, judge: str, rubric_version: str) -> pl.DataFrame:
    """The standing score of each candidate that `judge` ever scored under this rubric."""
    parts = [
        entry.path for entry in lake.find(layout.judge_scores(judge, rubric_version)) if entry.path.endswith(".parquet")
    ]
    frames = [empty(schema(rubric_version)), *(read_table(lake, path) for path in parts)]
    return pl.concat(frames).sort("imported_at").unique("candidate_id", keep="last", maintain_order=True)


def judges(lake: Lake) -> list[tuple[str, str]]:
    """Every (judge, rubric version) that ever scored anything."""
    return [
        (judge, layout.decode(rubric))
        for judge in map(layout.decode, lake.folders(layout.SCORES))
        for rubric in lake.folders(layout.scores_of(judge))
    ]


def view(lake: Lake, experiment: str, candidates: pl.DataFrame) -> pl.DataFrame:
    """Write and return the experiment's scores: one row per candidate and judge that scored any of them."""
    keys = candidates.select(VIEW_KEYS)
    frames = []
    for judge, rubric_version in judges(lake):
        standing = latest(lake, judge, rubric_version).drop("judge", "rubric_version", "experiment")
        joined = keys.join(standing, on="candidate_id", how="left", maintain_order="left")
        if joined["score"].null_count() < joined.height:
            labels = (pl.lit(judge).alias("judge"), pl.lit(rubric_version).alias("rubric_version"))
            frames.append(joined.with_columns(*labels))
    nothing = keys.clear().with_columns(
        pl.lit(None, dtype=SCORE_SCHEMA[name]).alias(name) for name in ("judge", "rubric_version", "score")
    )
    table = pl.concat([nothing, *frames], how="diagonal")
    write_table(lake, layout.scores_view(experiment), table)
    return table
