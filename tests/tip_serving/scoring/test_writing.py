"""One tip within a budget: who is asked in turn, what each failure costs, and what is never lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tip_serving.generation.model import Completion, CompletionRequest, FailureKind, GenerationError, Message
from tip_serving.scoring import writing
from tip_serving.scoring.errors import UpstreamError
from tip_serving.scoring.writing import Abandoned, Began, Order, Written, WrittenBy

MESSAGES = (Message("system", "Write tips."), Message("user", "- Call the dentist"))


class Models:
    """Behave as their names say."""

    def __init__(self) -> None:
        self.asked: list[CompletionRequest] = []

    async def complete(self, request: CompletionRequest) -> Completion:
        *_, last = [piece async for piece in self.stream(request)]
        assert isinstance(last, Completion)
        return last

    async def stream(self, request: CompletionRequest) -> AsyncIterator[str | Completion]:
        self.asked.append(request)
        if "limited" in request.model:
            raise GenerationError(request.model, FailureKind.RATE_LIMITED, ("a secret of the provider",))
        if "denied" in request.model:
            raise GenerationError(request.model, FailureKind.DENIED)
        yield "Call "
        if "hangs" in request.model:
            await asyncio.sleep(60)
        if "breaks" in request.model:
            raise GenerationError(request.model, FailureKind.UPSTREAM)
        if "ends" in request.model:
            return
        yield "now."
        yield Completion("Call now.", "stop", 5.0, 10, 2, 0.001, 1)


def order(model: str, fallback: str | None = None, *, allow_embedded: bool = True, budget_s: float = 5.0) -> Order:
    deadline = asyncio.get_running_loop().time() + budget_s
    return Order(CompletionRequest(model, MESSAGES, 0.7, 100), fallback, deadline, allow_embedded)


def whole(*arguments: Any, **options: Any) -> tuple[Written, list[CompletionRequest], float]:
    async def main() -> tuple[Written, list[CompletionRequest], float]:
        models, started = Models(), asyncio.get_running_loop().time()
        written = await writing.write(models, order(*arguments, **options))
        return written, models.asked, asyncio.get_running_loop().time() - started

    return asyncio.run(main())


def pieces(*arguments: Any, **options: Any) -> list[Any]:
    async def main() -> list[Any]:
        return [piece async for piece in writing.write_in_pieces(Models(), order(*arguments, **options))]

    return asyncio.run(main())


def test_the_model_writes_where_it_can() -> None:
    written, asked, _ = whole("x/good", "x/other")
    assert written == (WrittenBy.MODEL, "x/good", "Call now.", 10, 2, 0.001, ())
    assert [request.messages for request in asked] == [MESSAGES]


@pytest.mark.parametrize(
    ("model", "kind"),
    [("x/limited", "rate_limited"), ("x/denied", "denied"), ("x/breaks", "upstream"), ("x/hangs", "timeout")],
)
def test_the_fallback_model_gets_the_same_messages_and_the_answer_says_why(model: str, kind: str) -> None:
    written, asked, _ = whole(model, "x/good", budget_s=0.5)
    assert (written.by, written.model, written.failures) == (WrittenBy.FALLBACK_MODEL, "x/good", (f"{model}: {kind}",))
    assert [request.model for request in asked] == [model, "x/good"]
    assert asked[0].messages == asked[1].messages


def test_where_every_model_fails_an_embedded_writer_reads_the_same_messages() -> None:
    written, asked, _ = whole("x/limited", "x/denied")
    assert (written.by, written.model) == (WrittenBy.EMBEDDED, "embedded/planner")
    assert "Call the dentist" in written.text
    assert written.failures == ("x/limited: rate_limited", "x/denied: denied")
    assert len(asked) == 2


def test_a_fallback_that_is_the_model_is_not_asked_twice() -> None:
    assert len(whole("x/limited", "x/limited")[1]) == 1


@pytest.mark.parametrize("fallback", [None, "x/hangs-too"])
def test_models_that_hang_end_with_the_budget(fallback: str | None) -> None:
    written, _, took_s = whole("x/hangs", fallback, budget_s=0.3)
    assert written.by is WrittenBy.EMBEDDED
    assert 0.25 <= took_s < 2


@pytest.mark.parametrize(
    ("model", "retry"), [("x/limited", True), ("x/hangs", True), ("x/denied", False), ("x/breaks", False)]
)
def test_whoever_wants_no_embedded_tip_is_told_whether_waiting_helps(model: str, retry: bool) -> None:
    with pytest.raises(UpstreamError) as refused:
        whole(model, allow_embedded=False, budget_s=0.2)
    assert (refused.value.retry_after_s is not None) is retry
    assert "secret" not in str(refused.value.faults)


def test_in_pieces_the_same_tip_comes_as_it_is_written() -> None:
    began, *text, written = pieces("x/good")
    assert began == Began(WrittenBy.MODEL, "x/good")
    assert "".join(text) == written.text == "Call now."


@pytest.mark.parametrize("model", ["x/breaks", "x/hangs", "x/ends"])
def test_pieces_of_a_model_that_fails_half_way_are_declared_void(model: str) -> None:
    found = pieces(model, "x/good", budget_s=0.5)
    kinds = [type(piece) for piece in found]
    assert kinds == [Began, str, Abandoned, Began, str, str, Written]
    assert found[3] == Began(WrittenBy.FALLBACK_MODEL, "x/good")
    assert "".join(found[4:6]) == found[-1].text


def test_in_pieces_the_embedded_tip_is_the_last_resort_too() -> None:
    found = pieces("x/denied")
    assert [type(piece) for piece in found] == [Began, Abandoned, Began, str, Written]
    assert found[-1].by is WrittenBy.EMBEDDED
    with pytest.raises(UpstreamError):
        pieces("x/denied", allow_embedded=False)


def test_the_budget_never_cancels_what_the_reader_waits_for() -> None:
    async def main() -> list[Any]:
        found = []
        async for piece in writing.write_in_pieces(Models(), order("x/good", budget_s=0.1)):
            found.append(piece)
            if piece == "Call ":
                await asyncio.sleep(0.3)
        return found

    assert isinstance(asyncio.run(main())[-1], Written)
