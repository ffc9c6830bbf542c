"""The tips that go along with a leaderboard: a few scenarios, what each cell wrote for them, what each judge said."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tip_serving.bench.judging.rubric import criteria_of
from tip_serving.bench.page import sample
from tip_serving.bench.page.content import Sample, SampleScenario, Score, Task, Tip
from tip_serving.scenarios.model import Scenario
from tip_serving.scenarios.model import Task as OpenTask

_URGENT = 4
_TIPS_A_CELL = 3  # of one scenario; a page shows how tips vary, not all of them


def sampled(experiment: str, candidates: pl.DataFrame, scores: pl.DataFrame, scenarios: Sequence[Scenario]) -> Sample:
    """A sample of the experiment's tips, the same every time.

    Args:
        experiment: whose.
        candidates: with `candidate_id, model, prompt, scenario_id, sample_index, text`.
        scores: the experiment's view, all judges.
        scenarios: the experiment's; empty where its results were brought from elsewhere.
    """
    ids = candidates["scenario_id"].unique()
    known = {scenario.scenario_id: scenario for scenario in scenarios}
    chosen = sample.choose({name: known[name].kind if name in known else "" for name in ids})
    shown = candidates.filter(
        pl.col("scenario_id").is_in(list(chosen)),
        pl.col("sample_index").rank("ordinal").over("model", "prompt", "scenario_id") <= _TIPS_A_CELL,
    )
    said = _said(scores.join(shown.select("candidate_id"), on="candidate_id", how="semi"))
    tips: dict[str, list[Tip]] = defaultdict(list)
    for row in shown.iter_rows(named=True):
        tip = Tip(
            model=row["model"],
            prompt=row["prompt"],
            sample_index=row["sample_index"],
            text=row["text"],
            scores=tuple(said.get(row["candidate_id"], ())),
        )
        tips[row["scenario_id"]].append(tip)
    return Sample(
        scenarios=tuple(_scenario(name, known.get(name), tips[name]) for name in chosen),
        n_scenarios=ids.len(),
        n_candidates=candidates.height,
        see_everything=f"tip bench tips {experiment}",
    )


def _said(scores: pl.DataFrame) -> dict[str, list[Score]]:
    """What judges said of each candidate."""
    found: dict[str, list[Score]] = defaultdict(list)
    for row in scores.drop_nulls("score").iter_rows(named=True):
        found[row["candidate_id"]].append(
            Score(
                judge=row["judge"],
                rubric_version=row["rubric_version"],
                score=row["score"],
                points={name: row[name] for name in criteria_of(row["rubric_version"])},
                comment=row.get("comment") or "",
            )
        )
    return found


def _scenario(name: str, scenario: Scenario | None, tips: Sequence[Tip]) -> SampleScenario:
    if scenario is None:
        return SampleScenario(scenario_id=name, kind="", now="", n_tasks=0, tips=tuple(tips))
    situation = scenario.situation
    profile: Mapping[str, Any] = situation.profile_features or {}
    return SampleScenario(
        scenario_id=name,
        kind=scenario.kind,
        now=f"{situation.now:%A} {situation.now.hour}:{situation.now:%M}",
        language=profile.get("language"),
        tasks=tuple(_task(task) for task in situation.tasks[: sample.MAX_TASKS]),
        n_tasks=len(situation.tasks),
        tips=tuple(tips),
    )


def _task(task: OpenTask) -> Task:
    due = ""
    if task.due is not None:
        due = task.due.string or (task.due.date.isoformat() if task.due.date else "")
    return Task(content=task.content, due=due, is_urgent=task.priority == _URGENT)
