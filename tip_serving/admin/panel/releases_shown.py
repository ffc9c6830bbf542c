"""Releases in a reader's words: what the service answers, ready for the view. Nothing is decided here."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tip_serving.admin.service.release_rows import Release, ReleaseRow, StepRow, Watched
from tip_serving.admin.service.rows import Page
from tip_serving.bench.page import words
from tip_serving.releasing.state import Phase
from tip_serving.releasing.step import Finding, Outcome, StepKind

TONES = {
    Phase.QUEUED: "off", Phase.GATE: "running", Phase.SHADOW: "running", Phase.APPROVAL: "wait",
    Phase.ROLLOUT: "running", Phase.FINISHED: "done", Phase.REFUSED: "bad", Phase.ROLLED_BACK: "bad",
    Phase.WITHDRAWN: "off", Phase.SUPERSEDED: "off",
}  # fmt: skip
_SENTENCES = {
    Phase.QUEUED: "It waits for its turn.",
    Phase.GATE: "Its evidence is being weighed.",
    Phase.SHADOW: "It answers in the shadow: what it says is compared, and nobody sees it.",
    Phase.APPROVAL: "Gate and shadow are passed. It goes to people once somebody agrees.",
    Phase.ROLLOUT: "People have it, in a share that grows while nothing speaks against it.",
    Phase.FINISHED: "It is the champion: everybody has it.",
    Phase.REFUSED: "It was refused, and nobody has seen it.",
    Phase.ROLLED_BACK: "It was taken back; what was served before is served again.",
    Phase.WITHDRAWN: "Who proposed it took it back.",
    Phase.SUPERSEDED: "A newer one of the same source took its place.",
}
_MARKS = {Outcome.PASSED: "done", Outcome.FAILED: "bad", Outcome.UNDETERMINED: "wait", Outcome.NOT_MEASURED: "off"}
_BEFORE = (Phase.QUEUED, Phase.GATE, Phase.SHADOW, Phase.APPROVAL)
_GOT_TO = {StepKind.GATE_PASSED: 1, StepKind.SHADOW_PASSED: 2, StepKind.APPROVED: 3}
_BRACKETS = re.compile(r" \([^()]*\)")
_URGENCY = (Outcome.FAILED, Outcome.UNDETERMINED, Outcome.NOT_MEASURED, Outcome.PASSED)
_TELLING = ("evidence", "gain")
_OPEN_AT_MOST = 7
_REACH = 2.0
"""Margins to either side that a guardrail's drawing shows."""


def listing(page: Page[ReleaseRow]) -> dict[str, Any]:
    """Every proposal in a line."""
    asking = sum(row.is_asking for row in page.items)
    running = sum(row.is_open for row in page.items)
    waits = f"{words.counted(asking, 'release waits', 'releases wait')} for a person's word."
    goes = (
        f"{words.counted(running, 'release is', 'releases are')} under way." if running else "No release is under way."
    )
    return {
        "n_all": page.n_total,
        "sentence": waits if asking else goes,
        "rows": [
            {
                "id": row.proposal_id,
                "href": f"/releases/{quote(row.proposal_id, safe='')}",
                "title": row.title,
                "about": f"from a {row.source.value}, proposed by {row.by}",
                "phase": row.phase.value,
                "tone": TONES[row.phase],
                "share": words.percent(row.share) if row.share else words.NONE,
                "reasons": _brief(row.reason),
                "next": row.next if row.is_open else "",
                "changed": _moment(row.changed_at),
                "changed_iso": row.changed_at.isoformat(),
            }
            for row in page.items
        ],
    }


def release(found: Release) -> dict[str, Any]:
    """All that the page of one release shows but what is watched."""
    row = found.row
    return {
        "id": row.proposal_id,
        "title": row.title,
        "phase": row.phase.value,
        "tone": TONES[row.phase],
        "sentence": _SENTENCES[row.phase],
        "reasons": _brief(row.reason),
        "next": row.next if row.is_open else "",
        "note": found.note,
        "facts": _facts(found),
        "stages": _stages(found),
        "may_approve": found.may_approve,
        "may_roll_back": found.may_roll_back,
        "cards": [{"title": card.title, "version": card.version, "href": card.href} for card in found.cards],
        "groups": _groups(found.steps),
        "steps": [_step(step) for step in reversed(found.steps)],
    }


def _brief(reason: str) -> list[str]:
    """Each reason by itself, without the numbers in brackets, which stand where it is told in full."""
    parts = [_BRACKETS.sub("", part).strip() for part in reason.split(" | ")]
    return [_opened(part) for part in parts if part]


def _opened(told: str) -> str:
    """With a capital, unless it opens with a name such as `v3`."""
    return told[:1].upper() + told[1:] if told.partition(" ")[0].strip(":,").isalpha() else told


def watched(found: Watched | None) -> dict[str, Any] | None:
    """What is seen between two steps."""
    if found is None or not found.findings:
        return None
    return {"words": f"Decided now: {found.words}", "findings": findings(found.findings)}


def findings(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Requirements with what was found; those that can be drawn with their reach around the margin."""
    return [
        {
            "name": one.name,
            "outcome": one.outcome.value,
            "tone": _MARKS[one.outcome],
            "sentence": _without_name(one),
            "rail": _rail(one.numbers, one.outcome),
        }
        for one in found
    ]


def _without_name(found: Finding) -> str:
    """The sentence without the name before it, which stands beside it."""
    told = found.sentence.removeprefix(f"{found.name}: ")
    for word in ("pass. ", "fail. ", "not yet. ", "not measured. "):
        told = told.removeprefix(word)
    return _opened(told)


def _rail(numbers: Mapping[str, float | None], outcome: Outcome) -> dict[str, Any] | None:
    """The harm in units of its margin: no harm in the middle, the margin at three quarters."""
    margin, low, high = (numbers.get(name) for name in ("margin", "harm_at_least", "harm_at_most"))
    if not margin or low is None or high is None:
        return None

    def at(harm: float) -> float:
        return round(50 * (1 + min(max(harm / margin, -_REACH), _REACH) / _REACH), 2)

    look = {Outcome.FAILED: "bad", Outcome.UNDETERMINED: "open"}.get(outcome, "")
    label = f"worse by between {low:.2%} and {high:.2%}, {margin:.2%} may be"
    return {"low": at(low), "high": at(high), "margin": at(margin), "look": look, "label": label}


def _facts(found: Release) -> list[dict[str, str]]:
    row, plan = found.row, found.plan
    facts = [
        ("Users that have it", words.percent(row.share) if row.share else "nobody", ""),
        ("Proposed", f"{row.proposed_at:%d %b, %H:%M}", f"{row.proposed_at:%Y}, UTC, by {row.by}"),
        ("From a", row.source.value, row.source_id),
        (
            "A stage takes",
            words.counted(plan.min_decisions_per_stage, "decision"),
            f"and {plan.min_hours_per_stage:g} hours at least",
        ),
        ("A rollback restores", found.base_version or "the default", ""),
    ]
    if found.cell:
        facts.insert(3, ("Writes with", found.cell, ""))
    return [{"term": term, "value": value, "note": note} for term, value, note in facts]


def _stages(found: Release) -> list[dict[str, str]]:
    """Gate, shadow, a person's word and every share, each with where it stands."""
    plan, phase = found.plan, found.row.phase
    shares = {step.share: step for step in found.steps if step.kind is StepKind.STAGE}
    reached = max((_GOT_TO.get(step.kind, 0) for step in found.steps), default=0)
    if shares or phase is Phase.FINISHED:
        reached = 3
    when = {rank: step.at for step in found.steps if (rank := _GOT_TO.get(step.kind))}
    marks = []
    for place, name in enumerate(("Gate", "Shadow", "A person's word"), 1):
        is_now = found.row.is_open and reached == place - 1 and phase in _BEFORE
        skipped = place <= reached and place not in when
        note = "not asked for" if skipped else _moment(when[place]) if place in when else ""
        marks.append((name, "done" if place <= reached else "now" if is_now else "next", note))
    last = max(shares, default=0.0)  # type: ignore[type-var]
    for share in plan.stages:
        step = shares.get(share)
        is_now = phase is Phase.ROLLOUT and share == last
        state = "now" if is_now else "done" if step or phase is Phase.FINISHED else "next"
        name = "Everybody" if share == 1.0 else f"{share:.0%}"
        marks.append((name, state, _moment(step.at) if step else ""))
    if phase in {Phase.REFUSED, Phase.ROLLED_BACK}:
        place = max((n for n, mark in enumerate(marks) if mark[1] == "done"), default=-1)
        at = place if phase is Phase.ROLLED_BACK else min(place + 1, len(marks) - 1)
        marks[at] = (marks[at][0], "over", phase.value)
    return [{"name": name, "state": state, "note": note} for name, state, note in marks]


def _groups(steps: Sequence[StepRow]) -> list[dict[str, Any]]:
    """What each turn of it rests on, the latest first."""
    groups = []
    for title, kind in (
        ("What took it back", StepKind.ROLLED_BACK),
        ("Why it was refused", StepKind.REFUSED),
        ("Beside the champion, in the shadow", StepKind.SHADOW_PASSED),
        ("What the gate found", StepKind.GATE_PASSED),
    ):
        step = next((one for one in reversed(steps) if one.kind is kind and one.findings), None)
        if step is not None:
            groups.append({"title": title, **_folded(step.findings)})
    return groups


def _folded(found: Sequence[Finding]) -> dict[str, Any]:
    """What did not pass and what can be drawn stands open; of many others that passed, the first lines are enough."""
    told = findings(sorted(found, key=lambda one: _URGENCY.index(one.outcome)))
    telling = [one for one in told if one["outcome"] != Outcome.PASSED or one["rail"] or one["name"] in _TELLING]
    if len(told) <= _OPEN_AT_MOST or not telling:
        return {"findings": told, "folded": [], "say": ""}
    rest = [one for one in told if one not in telling]
    return {"findings": telling, "folded": rest, "say": f"{words.counted(len(rest), 'more requirement')} passed"}


def _step(step: StepRow) -> dict[str, Any]:
    return {
        "number": step.number,
        "kind": step.kind.value,
        "at": _moment(step.at),
        "at_iso": step.at.isoformat(),
        "by": step.by,
        "reason": step.reason,
        "findings": findings(step.findings),
    }


def _moment(at: dt.datetime) -> str:
    return f"{at:%d %b %Y, %H:%M}"
