"""A caller of the server: what the recommender of an app does with one tip, from what it knows to what became of it.

Bodies are those that the server reads, so a mistake is found before it travels. Calls that may succeed when made again
are made again under the same ids, so that nothing is decided or counted twice.
"""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import httpx
import msgspec

from tip_experiments.assignment.rotation import parse_rotation, rotated_prompt
from tip_serving.events.event import new_id
from tip_serving.events.feedback import Reaction
from tip_serving.events.signal import AnySignal
from tip_serving.features.activity import Activity, profile_features
from tip_serving.features.contract import contract_hash
from tip_serving.scenarios.model import Task
from tip_serving.scoring.answers import FeedbackAnswer, GenerateAnswer, ScoreAnswer, SignalsAnswer
from tip_serving.scoring.request import (
    Asking,
    Authorship,
    Candidate,
    FeedbackRequest,
    GenerateRequest,
    ScoreRequest,
    tip_id,
)
from tip_serving.scoring.signals import MAX_SIGNALS

__all__ = ["Activity", "Recommendation", "ServerError", "TipClient", "profile_features"]

_PASSING = frozenset({408, 429, 502, 503, 504})
_LONGEST_WAIT_S = 5.0
_Answer = TypeVar("_Answer", bound=msgspec.Struct)


class ServerError(Exception):
    """The server gave no answer: what was asked, what it said, and every fault that it named.

    Attributes:
        status: of the last answer; None where there was none at all.
    """

    def __init__(self, asked: str, status: int | None, detail: str, faults: Sequence[str] = ()) -> None:
        listed = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(f"{asked} was not answered ({status or 'no answer'}): {detail}{listed}")
        self.status = status
        self.faults = tuple(faults)


class Recommendation(NamedTuple):
    """The tip to show, and what feedback on it must name."""

    user: str
    decision_id: str
    tip_id: str
    text: str
    is_new: bool
    """Whether it was written just now."""
    scored: ScoreAnswer
    written: GenerateAnswer | None


class TipClient:
    """Calls one server; safe to share between threads.

    Args:
        url: of the server.
        token: the service token of this caller.
        prompts: prompt versions in rotation, as TIP_PROMPT_VERSION has them: one, or several with commas between.
        timeout_s: of one call of /score or /feedback.
        generate_timeout_s: of one call of /generate.
        attempts: calls before giving up, where another may succeed.
        sleep: waits between two of them.
        ids: makes the ids of decisions and reports.

    Raises:
        ValueError: `prompts` cannot be parsed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        prompts: str = "v1",
        *,
        timeout_s: float = 2.0,
        generate_timeout_s: float = 60.0,
        attempts: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        ids: Callable[[], str] = new_id,
    ) -> None:
        parse_rotation(prompts)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._prompts = prompts
        self._generate_timeout_s = generate_timeout_s
        self._attempts = attempts
        self._sleep = sleep
        self._ids = ids

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def prompt_version(self, user: str) -> str:
        """The one of the versions in rotation that this user has, always the same one."""
        return rotated_prompt(self._prompts, user)

    def score(self, request: ScoreRequest) -> ScoreAnswer:
        """Which of these tips now. Raises ServerError."""
        return self._call("/score", _body(request), ScoreAnswer)

    def generate(self, request: GenerateRequest) -> GenerateAnswer:
        """A new tip. Raises ServerError."""
        whole = request.model_copy(update={"stream": False})
        return self._call("/generate", _body(whole), GenerateAnswer, self._generate_timeout_s)

    def feedback(self, request: FeedbackRequest) -> FeedbackAnswer:
        """Report a reaction. Raises ServerError."""
        named = request.model_copy(update={"event_id": request.event_id or self._ids()})
        return self._call("/feedback", _body(named), FeedbackAnswer)

    def signals(self, signals: Sequence[AnySignal]) -> int:
        """Report what people did with their tasks and the app; how many the server took down. Raises ServerError."""
        bodies = (msgspec.json.encode(signals[first : first + MAX_SIGNALS])
                  for first in range(0, len(signals), MAX_SIGNALS))  # fmt: skip
        return sum(self._call("/signals", body, SignalsAnswer).n for body in bodies)

    def recommend(
        self,
        user: str,
        now: dt.datetime,
        tasks: Sequence[Task],
        features: Mapping[str, Any] | None,
        known: Sequence[Candidate] = (),
        *,
        write: bool = True,
    ) -> Recommendation:
        """The tip that this person should see now: a new one beside those that are known, and the best drawn of them.

        Args:
            user: who.
            now: aware, in the person's time zone.
            tasks: their open tasks.
            features: see `profile_features`; None has the server ask its online store.
            known: tips that may be shown, with text.
            write: whether a new one is written; then the known ones may be none.

        Raises:
            ServerError: a call got no answer.
        """
        asking: dict[str, Any] = {
            "user": user,
            "now": now,
            "tasks": tuple(tasks),
            "profile_features": None if features is None else dict(features),
        }
        written = None
        candidates = list(known)
        if write:
            written = self.generate(
                GenerateRequest(**asking, prompt_version=self.prompt_version(user), decision_id=self._ids())
            )
            # Written once more, a known tip is a new one: this time somebody else is credited with it.
            candidates = [*(tip for tip in known if _id(tip) != written.tip_id), _candidate(written)]
        scored = self.score(
            ScoreRequest(**asking, candidates=tuple(candidates), contract_hash=contract_hash(), decision_id=self._ids())
        )
        first = next(place for place, found in enumerate(scored.candidates) if found.rank == 1)
        is_new = written is not None and first == len(candidates) - 1
        shown, text = scored.candidates[first].id, candidates[first].text or ""
        return Recommendation(user, scored.decision_id, shown, text, is_new, scored, written)

    def react(
        self, shown: Recommendation, reaction: Reaction, rating: float | None = None, at: dt.datetime | None = None
    ) -> FeedbackAnswer:
        """Report how the person took a recommendation, and when, where that is not now. Raises ServerError."""
        return self.feedback(
            FeedbackRequest(
                user=shown.user,
                decision_id=shown.decision_id,
                tip_id=shown.tip_id,
                reaction=reaction,
                rating=rating,
                at=at,
            )
        )

    def _call(self, path: str, body: bytes, kind: type[_Answer], timeout_s: float | None = None) -> _Answer:
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                answer = self._http.post(
                    path, content=body, headers={"Content-Type": "application/json"}, timeout=timeout
                )
            except httpx.TransportError as error:
                if is_last:
                    raise ServerError(f"POST {path}", None, f"{type(error).__name__}: {error}") from error
                self._sleep(0.1 * 2**attempt)
                continue
            if answer.status_code == httpx.codes.OK:
                return _read(path, answer, kind)
            if is_last or answer.status_code not in _PASSING:
                raise _refused(path, answer)
            self._sleep(_wait_s(answer, attempt))
        raise ValueError(f"POST {path} was never made: {self._attempts} attempts are none.")


def _body(request: Asking | FeedbackRequest) -> bytes:
    return request.model_dump_json(exclude_none=True).encode()


def _id(tip: Candidate) -> str:
    return tip.id or tip_id(tip.text or "")


def _candidate(written: GenerateAnswer) -> Candidate:
    authorship = Authorship(
        decision_id=written.decision_id, prompt_version=written.prompt_version, model=written.model
    )  # fmt: skip
    return Candidate(id=written.tip_id, text=written.tip, written=authorship)


def _read(path: str, answer: httpx.Response, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # of another version, or none of ours at all
        raise ServerError(f"POST {path}", answer.status_code, f"the answer cannot be read: {error}") from error


def _wait_s(answer: httpx.Response, attempt: int) -> float:
    asked = answer.headers.get("Retry-After", "")
    return min(_LONGEST_WAIT_S, float(asked)) if asked.isdigit() else 0.1 * 2**attempt


def _refused(path: str, answer: httpx.Response) -> ServerError:
    try:
        said = answer.json()
        return ServerError(f"POST {path}", answer.status_code, said["detail"], said["faults"])
    except (ValueError, KeyError, TypeError):
        return ServerError(f"POST {path}", answer.status_code, answer.text[:500])
