"""What a candidate is: the hash of all that determines its text. Nothing else decides whether two are the same."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tip_serving.bench.spec import Spec
from tip_serving.generation.catalog import EMBEDDED
from tip_serving.generation.embedded import WRITERS
from tip_serving.generation.model import CompletionRequest
from tip_serving.prompts.registry import Prompt
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.model import Scenario


class Cell(NamedTuple):
    """One (model, prompt) pair."""

    model: str
    prompt: str

    @property
    def key(self) -> str:
        """The cell as a partition key writes it: `model|prompt`."""
        return f"{self.model}|{self.prompt}"

    @property
    def written(self) -> str:
        """The cell as a command takes it: `model,prompt`."""
        return f"{self.model},{self.prompt}"

    @classmethod
    def parse(cls, key: str) -> "Cell":
        """The cell behind `model|prompt`."""
        model, _, prompt = key.rpartition("|")
        return cls(model, prompt)


@dataclass(frozen=True, slots=True)
class Need:
    """One candidate that an experiment needs, and the call that makes it."""

    candidate_id: str
    scenario_id: str
    sample_index: int
    request: CompletionRequest


def sample_seed(sampling_seed: int, sample_index: int) -> int:
    """The seed sent with one sample: in [0, 2**31), unrelated between samples and between sampling seeds."""
    digest = hashlib.sha256(f"{sampling_seed}:{sample_index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFF_FFFF


def candidate_id(request: CompletionRequest, sample_index: int) -> str:
    """24 hex digits that name the candidate, wherever and whenever it is asked for.

    The version of an embedded writer is part of it: a changed writer writes other candidates.
    """
    writer = WRITERS.get(request.model.removeprefix(EMBEDDED)) if request.model.startswith(EMBEDDED) else None
    determined_by = [
        request.model,
        [list(message) for message in request.messages],
        request.temperature,
        request.max_tokens,
        request.seed,
        writer.version if writer else None,
        sample_index,
    ]
    return hashlib.sha256(json.dumps(determined_by, ensure_ascii=False).encode()).hexdigest()[:24]


def needs(spec: Spec, cell: Cell, prompt: Prompt, scenarios: Sequence[Scenario]) -> list[Need]:
    """What `spec` needs of `cell`: n_tips samples of each scenario, scenario by scenario."""
    found = []
    for scenario in scenarios:
        messages = render(prompt, scenario.situation)
        for sample_index in range(spec.n_tips):
            request = CompletionRequest(
                model=cell.model,
                messages=messages,
                temperature=spec.temperature,
                max_tokens=prompt.max_tokens,
                seed=sample_seed(spec.sampling_seed, sample_index),
            )
            identity = candidate_id(request, sample_index)
            found.append(Need(identity, scenario.scenario_id, sample_index, request))
    return found
