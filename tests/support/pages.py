"""Invented boards, judges and tips for tests of the page, hostile texts among them."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from tip_serving.bench.identity import Cell
from tip_serving.bench.page import content
from tip_serving.bench.page.content import JudgeBoard, Page, Row, Verdict

EXPERIMENT = "tip-bench-autumn-2026"
MADE_AT = dt.datetime(2026, 10, 3, 14, 30, tzinfo=dt.UTC)
MODELS = ("openai/gpt-4.1-mini", "anthropic/claude-haiku", "mistral/small-24b", "embedded/planner", "embedded/first")
PROMPTS = ("v1", "v2", "v3")
TIP_WITH_MARKUP = "<img src=x onerror=alert(1)>"
TASK_WITH_SCRIPT = "Buy milk</script><script>alert(2)</script>"
RIGHT_TO_LEFT = "ابدأ بالمهمة الأصغر: اتصل بالطبيب قبل الظهر 📞"
CRITERIA = ("relevance", "actionability", "specificity", "tone", "brevity", "safety")
_TIPS = (
    "Call the dentist before ten: the line is free now, and the slot on Thursday goes fast. Two minutes, then coffee.",
    "The tax form is due on Friday. Open it and fill in just the first page; that takes ten minutes.",
    "You have five tasks today and two are quick. Do 'water the plants' and 'reply to Mira' first, then rest.",
    "Half an hour is left before your meeting. Sketch three headings for the quarterly report on paper.",
    TIP_WITH_MARKUP,
    RIGHT_TO_LEFT,
)
_TASKS = ("Call the dentist", "Tax form", TASK_WITH_SCRIPT, "Water the plants 🌱", "Quarterly report", "اتصل بالطبيب")
_KINDS = ("overdue", "empty_list", "injection", "busy_morning", "many_languages")


def grid(n_models: int = len(MODELS), n_prompts: int = len(PROMPTS)) -> list[Cell]:
    """Cells of a whole grid."""
    models = [*MODELS, *(f"provider-{i}/model-{i}" for i in range(n_models))][:n_models]
    return [Cell(model, f"v{i + 1}") for model in models for i in range(n_prompts)]


def row(cell: Cell, mean: float, place: int, rng: np.random.Generator, **fields: object) -> Row:
    """A row with an interval and everything else that a row can have."""
    se = float(rng.uniform(0.02, 0.05))
    n_models = max(1, place)
    return Row.model_validate(
        {
            "model": cell.model, "prompt": cell.prompt, "verdict": Verdict.ESTIMATED, "place": place,
            "rank_low": max(1, place - 1), "rank_high": n_models + 1, "score_mean": mean, "score_se": se,
            "score_low": mean - 2 * se, "score_high": mean + 2 * se, "n_scenarios": 400, "n_scored": 798,
            "n_unscored": 2, "win_share": min(1.0, max(0.0, mean - 3.2)),
            "to_best": 0.05 if place == 1 else mean - 3.95,
            "to_best_low": min(0.0, mean - 4.1), "to_best_high": 0.0 if place > 4 else 0.08,
            "is_droppable": place > 4,
            "cost_usd_per_1000": float(rng.lognormal(-1, 1.4)), "latency_p50_ms": float(rng.lognormal(6.3, 0.7)),
            "latency_p95_ms": float(rng.lognormal(7.4, 0.5)), "prompt_tokens": 612.0, "completion_tokens": 48.0,
            **fields,
        }
    )  # fmt: skip


def board(judge: str = "ana", cells: Sequence[Cell] = (), seed: int = 7, **fields: object) -> JudgeBoard:
    """A board over `cells` with everything on it: three cells without a whole verdict where there are ten or more."""
    rng = np.random.default_rng(seed)
    cells = list(cells or grid())
    order = [cells[i] for i in rng.permutation(len(cells))]
    means = np.sort(rng.normal(3.7, 0.3, len(order)))[::-1].clip(1.2, 4.8)
    rows = [
        row(cell, round(float(mean), 4), place, rng, **({"cost_usd_per_1000": 0.0} if "embedded" in cell.model else {}))
        for place, (cell, mean) in enumerate(zip(order, means, strict=True), 1)
    ]
    if len(rows) >= 10:
        rows[-4:] = [_lame(row.cell, i) for i, row in enumerate(rows[-4:])]
    scored = [each for each in rows if each.score_mean is not None]
    defaults = {
        "judge": judge, "rubric_version": "r1", "kind": "person", "scale_min": 1, "scale_max": 5, "n_scenarios": 400,
        "judging_cost_usd": 3.1, "rows": rows, "differences": _differences(scored[:25], rng),
        "separation": _separation(scored), "effects": _effects(scored), "pairwise": _pairwise(scored[:12], rng),
    }  # fmt: skip
    return JudgeBoard.model_validate({**defaults, **fields})


def _lame(cell: Cell, i: int) -> Row:
    """A cell of which something cannot be said."""
    common = {"model": cell.model, "prompt": cell.prompt}
    return (
        Row(
            **common,
            verdict=Verdict.TOO_FEW,
            score_mean=4.31,
            place=11,
            score_low=2.6,
            score_high=5,
            n_scenarios=2,
            n_scored=4,
            n_unscored=796,
        ),
        Row(**common, verdict=Verdict.CONSTANT, score_mean=3.0, place=12, n_scenarios=400, n_scored=800),
        Row(**common, verdict=Verdict.UNSCORED, n_unscored=800, latency_p50_ms=310.0, cost_usd_per_1000=0.2),
        Row(
            **common,
            verdict=Verdict.FAILED,
            n_failed=800,
            reason="800 calls failed (800 x rate limit); first: <b>429</b>",
        ),
    )[i]


def _differences(rows: Sequence[Row], rng: np.random.Generator) -> list[dict[str, object]]:
    found = []
    for i, first in enumerate(rows):
        for second in rows[i + 1 :]:
            by = (first.score_mean or 0) - (second.score_mean or 0)
            p = float(np.exp(-abs(by) * 18) * rng.uniform(0.5, 1))
            found.append(
                {"first": first.cell, "second": second.cell, "difference": by, "low": by - 0.11, "high": by + 0.11,
                 "p_adjusted": p, "n_scenarios": 398, "is_different": p < 0.05}
            )  # fmt: skip
    return found


def _separation(rows: Sequence[Row]) -> dict[str, object] | None:
    if len(rows) < 2:
        return None
    by = max(0.0, (rows[0].score_mean or 0) - (rows[1].score_mean or 0))
    return {"first": rows[0].cell, "second": rows[1].cell, "difference": by, "low": by - 0.11, "high": by + 0.11,
            "is_real": by > 0.11, "n_more_scenarios": 340}  # fmt: skip


def _effects(rows: Sequence[Row]) -> dict[str, object] | None:
    if len(rows) < 4:
        return None

    def over(column: str) -> list[dict[str, object]]:
        names = sorted({getattr(row, column) for row in rows})
        means = {name: float(np.mean([r.score_mean for r in rows if getattr(r, column) == name])) for name in names}
        return [
            {"name": name, "score_mean": means[name], "score_low": means[name] - 0.05, "score_high": means[name] + 0.05,
             "n_cells": 3}
            for name in sorted(names, key=lambda name: -means[name])
        ]  # fmt: skip

    explained = [{"what": what, "share": share, "low": share - 0.05, "high": share + 0.05}
                 for what, share in (("model", 0.62), ("prompt", 0.27), ("interaction", 0.11))]  # fmt: skip
    return {"by_model": over("model"), "by_prompt": over("prompt"), "explained": explained}


def _pairwise(rows: Sequence[Row], rng: np.random.Generator) -> dict[str, object] | None:
    if len(rows) < 2:
        return None
    ratings = [
        {"cell": each.cell, "rating": at, "low": at - 0.2, "high": at + 0.2, "controlled": at * 0.8,
         "controlled_low": at * 0.8 - 0.22, "controlled_high": at * 0.8 + 0.22,
         "n_verdicts": int(rng.integers(80, 200))}
        for each, at in zip(rows, np.linspace(0.9, -0.9, len(rows)).tolist(), strict=True)
    ]  # fmt: skip
    return {"ratings": ratings, "n_verdicts": 1320, "tie_share": 0.12, "first_share": 0.56, "first_low": 0.53,
            "first_high": 0.59, "agree_share": 0.81}  # fmt: skip


def judges() -> content.Judges:
    """Two judges who disagree, one of them automatic."""
    drift = [("b01", 0.02), ("b02", 0.06), ("b03", 0.21), ("b04", 0.35)]
    return content.Judges.model_validate(
        {
            "agreement": [{"rubric_version": "r1", "alpha": 0.71, "low": 0.66, "high": 0.75, "n_judges": 2,
                           "n_candidates": 640}],
            "biases": [{"judge": "ana", "bias": -0.14, "low": -0.19, "high": -0.09, "n_candidates": 640},
                       {"judge": "script/words", "bias": 0.14, "low": 0.09, "high": 0.19, "n_candidates": 640}],
            "calibrations": [{"judge": "script/words", "bias": 0.28, "low": 0.2, "high": 0.36, "correlation": 0.63,
                              "mean_absolute_error": 0.55, "n_candidates": 640}],
            "drifts": [{"judge": "ana", "is_drifting": True, "points": [
                {"batch": batch, "deviation": by, "low": by - 0.1, "high": by + 0.1, "n_anchors": 20}
                for batch, by in drift]}],
        }
    )  # fmt: skip


def sample(cells: Sequence[Cell], n_scenarios: int = 8, n_tips: int = 1, seed: int = 3) -> content.Sample:
    """Scenarios with the tips of all cells, scored by two judges."""
    rng = np.random.default_rng(seed)
    scenarios = [
        content.SampleScenario(
            scenario_id=f"{rng.integers(16**12):012x}", kind=_KINDS[i % len(_KINDS)], now="Tuesday 8:40", language="en",
            tasks=tuple(content.Task(content=task, due="today 10:00" if j % 2 else "", is_urgent=j == 1)
                        for j, task in enumerate(_TASKS)),
            n_tasks=9,
            tips=tuple(_tip(cell, k, _TIPS[(i + j + k) % len(_TIPS)], rng)
                       for j, cell in enumerate(cells) for k in range(n_tips)),
        )
        for i in range(n_scenarios)
    ]  # fmt: skip
    return content.Sample(
        scenarios=tuple(scenarios), n_scenarios=400, n_candidates=400 * len(cells) * n_tips,
        see_everything=f"tip bench scores {EXPERIMENT}",
    )  # fmt: skip


def _tip(cell: Cell, sample_index: int, text: str, rng: np.random.Generator) -> content.Tip:
    def points() -> dict[str, float]:
        return {name: float(rng.integers(2, 6)) for name in CRITERIA}

    given = points()
    scores = (
        content.Score(judge="ana", rubric_version="r1", score=float(np.mean(list(given.values()))), points=given,
                      comment="Names the task & a first step. <i>Good.</i>" if rng.uniform() < 0.5 else ""),
        content.Score(judge="script/words", rubric_version="r1", score=float(rng.integers(2, 6))),
    )  # fmt: skip
    return content.Tip(
        model=cell.model, prompt=cell.prompt, sample_index=sample_index, text=text, scores=scores[: rng.integers(0, 3)]
    )


def page(**fields: object) -> Page:
    """Two judges, fifteen cells, everything shown."""
    cells = grid()
    defaults = {
        "experiment": EXPERIMENT, "made_at": MADE_AT, "cost_usd": 12.4, "judges": judges(), "sample": sample(cells),
        "boards": (board(), board("script/words", seed=11, kind="script", judging_cost_usd=0)),
    }  # fmt: skip
    return Page.model_validate({**defaults, **fields})
