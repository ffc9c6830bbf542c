"""One item put to a language model: asked, asked again where the answer cannot be read, and noted as what came of it.

An item ends as a verdict, as *unscored* with the reason, or as not reached, when the session ends before.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tip_serving.bench.judging.answers import Answer, UnreadableError, read_answer
from tip_serving.bench.judging.journal import Journal
from tip_serving.bench.judging.questions import Questionnaire
from tip_serving.bench.judging.sessions import added
from tip_serving.generation.model import Completion, FailureKind, GenerationError, Generator, Usage

ATTEMPTS = 4  # the first and three more
PATIENCE = 5  # items in a row whose call failed for good, after all attempts of the gateway
PATIENCE_WITH_ANSWERS = 50  # items in a row without one readable answer: each has cost four calls
_DECLINED = "the model declined or gave no text"


class Asker:
    """Puts items to one model and notes what comes of them.

    Args:
        questionnaire: how is asked.
        generator: answers.
        journal: takes every event.
        may_ask: whether one more call may be made now.
        give_up: called with the reason when the model has failed too often in a row.
    """

    def __init__(
        self,
        questionnaire: Questionnaire,
        generator: Generator,
        journal: Journal,
        may_ask: Callable[[], bool],
        give_up: Callable[[str], None],
    ) -> None:
        self._questionnaire = questionnaire
        self._generator = generator
        self._journal = journal
        self._may_ask = may_ask
        self._give_up = give_up
        self._is_structured = True
        self._failed_in_a_row = 0
        self._unreadable_in_a_row = 0

    async def judge(self, row: Mapping[str, Any]) -> None:
        """Ask about `row` until there is a verdict or none can be had."""
        fault: str | None = None
        cost_usd: float | None = 0.0
        for attempt in range(ATTEMPTS):
            if attempt and not self._may_ask():
                return
            try:
                completion = await self._ask(row, attempt, fault)
            except GenerationError as error:
                cost_usd = self._note_usage(error.usage, cost_usd)
                if error.kind is FailureKind.STOPPED:
                    return
                if error.kind is not FailureKind.REFUSED:
                    self._note_failure(row, error)
                    return
                fault = _DECLINED
                continue
            self._failed_in_a_row = 0
            usage = Usage(completion.prompt_tokens, completion.completion_tokens, completion.cost_usd)
            cost_usd = self._note_usage(usage, cost_usd, completion.latency_ms)
            try:
                answer = self._read(completion.text)
            except UnreadableError as error:
                fault = str(error)
                continue
            self._unreadable_in_a_row = 0
            self._note_answer(row, answer, cost_usd)
            return
        self._note_unreadable(row, fault)

    async def _ask(self, row: Mapping[str, Any], attempt: int, fault: str | None) -> Completion:
        """One answer, held to the shape where the provider takes one. Raises GenerationError."""
        if self._is_structured:
            try:
                return await self._generator.complete(self._questionnaire.request(row, attempt, fault))
            except GenerationError as error:
                if error.kind is not FailureKind.INVALID:
                    raise
        plain = self._questionnaire.request(row, attempt, fault, is_structured=False)
        completion = await self._generator.complete(plain)
        # The same question without a shape was taken: this provider knows none, and nobody asks for it again.
        self._is_structured = False
        return completion

    def _read(self, text: str) -> Answer:
        return read_answer(text, self._questionnaire.rubric, is_pairs=self._questionnaire.is_pairs)

    def _note_usage(self, usage: Usage | None, cost_usd: float | None, latency_ms: float | None = None) -> float | None:
        """Note an answered call, whatever it was worth; what the item has cost with it."""
        if usage is None:
            return cost_usd
        self._journal.note({"event": "call", **usage._asdict(), "latency_ms": latency_ms})
        return added(cost_usd, usage.cost_usd)

    def _note_answer(self, row: Mapping[str, Any], answer: Answer, cost_usd: float | None) -> None:
        if answer.points is None and answer.preferred is None:
            self._note_unscored(row, "left_out", f"the model left it out: {answer.reason or 'no reason given'}")
            return
        header = self._journal.header
        given = {"preferred": answer.preferred} if answer.points is None else {"scores": answer.points}
        said = f"{header.model}, rubric {header.rubric_version}: {answer.reason or 'no reason given'}"
        line = {"item": row["item"], "judge": header.judge, "rubric_version": header.rubric_version, **given}
        self._journal.note({"event": "verdict", "line": {**line, "comment": said, "cost_usd": cost_usd}})

    def _note_unscored(self, row: Mapping[str, Any], kind: str, reason: str) -> None:
        self._journal.note({"event": "unscored", "item": row["item"], "kind": kind, "reason": reason})

    def _note_unreadable(self, row: Mapping[str, Any], fault: str | None) -> None:
        kind = "declined" if fault == _DECLINED else "unreadable"
        self._note_unscored(row, kind, f"no readable answer in {ATTEMPTS} attempts; the last: {fault}")
        self._unreadable_in_a_row += 1
        if self._unreadable_in_a_row >= PATIENCE_WITH_ANSWERS:
            self._give_up(f"{self._unreadable_in_a_row} items in a row had no readable answer; the last: {fault}")

    def _note_failure(self, row: Mapping[str, Any], error: GenerationError) -> None:
        self._journal.note({"event": "failed_call"})
        self._note_unscored(row, error.kind.value, str(error)[:500])
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= PATIENCE:
            self._give_up(f"{self._failed_in_a_row} calls in a row failed; the last: {error}")
