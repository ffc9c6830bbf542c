"""What a judge is handed: batches of blind items with instructions, and nothing that tells who wrote a tip.

An item is a tip, a pair of tips, or an anchor that looks like a tip. Items carry a keyed hash instead of an identity,
in an order that follows from the same key; the key and the map back lie outside the export. A batch lists only what
this judge has not judged under this rubric. The same pending items make the same batch, byte for byte, whoever exports.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import polars as pl

from tip_serving.bench.judging import allocation, anchors
from tip_serving.bench.judging.allocation import Share, Tip
from tip_serving.bench.judging.anchors import Anchor
from tip_serving.bench.judging.instructions import batch_instructions
from tip_serving.bench.judging.rubric import Rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.verdicts import VERDICTS
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError
from tip_serving.lake.tables import Schema, read_table, write_table
from tip_serving.privacy.redaction import redact
from tip_serving.scenarios.model import Scenario, Situation

KEY_SCHEMA: Schema = {
    "item": pl.String,
    "kind": pl.String,
    "candidate_id": pl.String,  # the anchor's id for an anchor
    "other_id": pl.String,  # the candidate shown second, for a pair
    "anchor_set": pl.String,
    "expected": pl.Float64,  # an anchor's settled score
    "rubric_version": pl.String,
    "batch": pl.String,
}
# Signs that JSON allows in a text and many programs take for the end of a line.
_LINE_ENDS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\u0085\u2028\u2029"}
_HIDDEN_FROM_JUDGES = ("model", "prompt", "candidate_id", "first_id", "second_id", "anchor_id", "expected")


class ItemKind(StrEnum):
    """What an item asks about."""

    TIP = "tip"
    PAIR = "pair"
    ANCHOR = "anchor"


class Key(NamedTuple):
    """What hides behind an item: a row of KEY_SCHEMA without the item."""

    kind: str
    candidate_id: str
    other_id: str | None
    anchor_set: str | None
    expected: float | None
    rubric_version: str
    batch: str


@dataclass(frozen=True)
class Ask:
    """What an export is asked for."""

    judge: str
    batch_size: int | None = None
    """Items of a batch, anchors not counted; None for one batch of everything."""
    share: Share | None = None
    """How judges divide the scenarios; None gives this judge all of them."""
    partners: int | None = None
    """For pairs instead of single tips: neighbours that each cell meets, see `allocation.pairs`."""
    anchor_set: str | None = None
    anchors_per_batch: int = 4
    only: Collection[str] | None = None
    """Candidates to choose from, as a race asks for; None for all."""
    is_redacted: bool = False
    """Without what tells who somebody is, see `privacy.redaction`."""


class Batch(NamedTuple):
    """An export for one judge."""

    judge: str
    batch: str
    n_items: int
    rows_path: str
    instructions_path: str
    n_anchors: int
    """Of the items; fewer than asked for where the batch holds the others' tips anyway."""


class _Item(NamedTuple):
    """Something to judge, before it is hidden."""

    kind: ItemKind
    candidate_id: str
    other_id: str | None
    content: Mapping[str, Any]
    """What the judge sees of it."""
    anchor: Anchor | None = None

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.candidate_id}:{self.other_id or ''}"


def export(
    lake: Lake, experiment: str, candidates: pl.DataFrame, scenarios: Sequence[Scenario], rubric: Rubric, ask: Ask
) -> list[Batch]:
    """Write the batches of all that waits for the judge; [] where nothing does.

    Args:
        lake: that holds the experiment.
        experiment: whose candidates.
        candidates: with `candidate_id, model, prompt, scenario_id, text`; all candidates of the experiment.
        scenarios: the experiment's.
        rubric: to judge by.
        ask: for whom and in which shape.

    Raises:
        AllocationError: the share cannot be dealt.
        AnchorError: there is no such anchor set, it was settled under another rubric, or pairs are asked for.
    """
    salt = _salt(lake, experiment, ask.judge)
    known = _anchors(lake, rubric, ask)
    allotted = sorted(_allotted(candidates, scenarios, ask), key=lambda item: _keyed(salt, item.identity))
    done = _done(lake, rubric, ask)
    size = ask.batch_size or max(len(allotted), 1)
    made = []
    # Cut before what is done is left out: a batch then shrinks in its place and no item wanders into another one.
    for start in range(0, len(allotted), size):
        pending = [item for item in allotted[start : start + size] if (item.candidate_id, item.other_id) not in done]
        if pending:
            made.append(_write_batch(lake, experiment, salt, pending, known, rubric, ask))
    return made


def _anchors(lake: Lake, rubric: Rubric, ask: Ask) -> list[Anchor]:
    if ask.anchor_set is None:
        return []
    if ask.partners is not None:
        raise anchors.AnchorError("anchors are single tips and cannot be mixed into pairs")
    found = anchors.load(lake, ask.anchor_set)
    other = sorted({anchor.rubric_version for anchor in found} - {rubric.version})
    if other:
        raise anchors.AnchorError(f"{ask.anchor_set} was settled under rubric {', '.join(other)}, not {rubric.version}")
    return found


def _allotted(candidates: pl.DataFrame, scenarios: Sequence[Scenario], ask: Ask) -> Iterator[_Item]:
    """Everything that this judge is ever given of the experiment, done or not."""
    shown = candidates.unique("candidate_id", maintain_order=True)
    if ask.share is not None:
        mine = ask.share.of(ask.judge, shown["scenario_id"].unique().to_list())
        shown = shown.filter(pl.col("scenario_id").is_in(list(mine)))
    if ask.only is not None:
        shown = shown.filter(pl.col("candidate_id").is_in(list(ask.only)))
    situations = {scenario.scenario_id: _shown(scenario.situation) for scenario in scenarios}
    columns = shown.select("candidate_id", "model", "prompt", "scenario_id", "text")
    texts = dict(columns.select("candidate_id", "text").iter_rows())
    if ask.partners is None:
        for identity, _, _, scenario_id, text in columns.iter_rows():
            yield _Item(ItemKind.TIP, identity, None, {"situation": situations.get(scenario_id), "tip": text})
        return
    tips = (Tip(identity, f"{model}|{prompt}", where) for identity, model, prompt, where, _ in columns.iter_rows())
    for pair in allocation.pairs(tips, ask.partners):
        both = {"first": texts[pair.first_id], "second": texts[pair.second_id]}
        content = {"situation": situations.get(pair.scenario_id), **both}
        yield _Item(ItemKind.PAIR, pair.first_id, pair.second_id, content)


def _done(lake: Lake, rubric: Rubric, ask: Ask) -> set[tuple[str, str | None]]:
    if ask.partners is None:
        return {(identity, None) for identity in SCORES.latest(lake, ask.judge, rubric.version)["candidate_id"]}
    return set(VERDICTS.latest(lake, ask.judge, rubric.version).select("first_id", "second_id").iter_rows())


def _write_batch(
    lake: Lake,
    experiment: str,
    salt: bytes,
    pending: Sequence[_Item],
    known: Iterable[Anchor],
    rubric: Rubric,
    ask: Ask,
) -> Batch:
    identities = "\n".join([rubric.version, rubric.content_hash, *sorted(item.identity for item in pending)])
    identities += "\nredacted" if ask.is_redacted else ""
    mixed = _mixed_in(known, pending, lambda anchor: _keyed(salt, f"{identities}:{anchor.anchor_id}"))
    mixed = mixed[: ask.anchors_per_batch]
    # The same items with other anchors are another batch: the file of a batch never changes.
    batch = _keyed(salt, "\n".join([identities, *(anchor.model_dump_json() for anchor in mixed)]))[:12]
    items = [*pending, *(_anchor_item(anchor) for anchor in mixed)]
    keyed = sorted(((_keyed(salt, f"{batch}:{item.identity}")[:16], item) for item in items), key=lambda pair: pair[0])
    instructions_path = layout.export_instructions(experiment, ask.judge, batch)
    rows_path = layout.export_rows(experiment, ask.judge, batch)
    made = Batch(ask.judge, batch, len(keyed), rows_path, instructions_path, len(mixed))
    if lake.exists(made.rows_path):
        return made
    keys = [(name, *_key_of(item, rubric, ask, batch)) for name, item in keyed]
    write_table(lake, layout.export_key(experiment, ask.judge, batch), pl.DataFrame(keys, KEY_SCHEMA, orient="row"))
    told = batch_instructions(rubric, ask.judge, len(keyed), is_pairs=ask.partners is not None)
    lake.write(instructions_path, told.encode())
    common = {"judge": ask.judge, "batch": batch, "rubric_version": rubric.version}
    contents = ((name, redact(item.content) if ask.is_redacted else item.content) for name, item in keyed)
    lines = (json.dumps({"item": name, **common, **content}, ensure_ascii=False) + "\n" for name, content in contents)
    lake.write(made.rows_path, "".join(lines).translate(_LINE_ENDS).encode())
    return made


def _mixed_in(known: Iterable[Anchor], pending: Sequence[_Item], order: Callable[[Anchor], str]) -> list[Anchor]:
    """Anchors in the order in which to take them, without those that the batch holds anyway: twice, they would show."""
    there = {json.dumps(item.content) for item in pending}
    return sorted((anchor for anchor in known if json.dumps(_anchor_item(anchor).content) not in there), key=order)


def _anchor_item(anchor: Anchor) -> _Item:
    content = {"situation": _shown(anchor.situation), "tip": anchor.tip}
    return _Item(ItemKind.ANCHOR, anchor.anchor_id, None, content, anchor)


def _key_of(item: _Item, rubric: Rubric, ask: Ask, batch: str) -> Key:
    expected = item.anchor.expected if item.anchor else None
    anchor_set = ask.anchor_set if item.anchor else None
    return Key(item.kind.value, item.candidate_id, item.other_id, anchor_set, expected, rubric.version, batch)


def _shown(situation: Situation) -> dict[str, Any]:
    return situation.model_dump(mode="json", exclude_defaults=True)


def read_keys(lake: Lake, experiment: str, judge: str) -> dict[str, Key]:
    """Every item ever handed to `judge` in this experiment, with what hides behind it."""
    parts = [entry.path for entry in lake.find(layout.export_keys(experiment, judge))]
    frames = [read_table(lake, path, list(KEY_SCHEMA)) for path in parts if path.endswith(".parquet")]
    return {item: Key(*hidden) for frame in frames for item, *hidden in frame.iter_rows()}


def leaks(rows: bytes, candidates: pl.DataFrame) -> list[str]:
    """Fields of an export that tell a judge what it must not know; [] for a blind one."""
    found = set()
    identities = set(candidates["candidate_id"])
    for line in rows.splitlines():
        row = json.loads(line)
        found |= {name for name in _HIDDEN_FROM_JUDGES if name in row}
        if row["item"] in identities:
            found.add("item")
    return sorted(found)


def _salt(lake: Lake, experiment: str, judge: str) -> bytes:
    """The judge's secret in this experiment, made once."""
    path = layout.export_salt(experiment, judge)
    try:
        return lake.read(path)
    except MissingError:
        pass
    made = secrets.token_hex(16).encode()
    try:
        lake.swap(path, made, None)
    except ConflictError:
        return lake.read(path)
    return made


def _keyed(salt: bytes, text: str) -> str:
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()
