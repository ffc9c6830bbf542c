"""The embedded writers as a LiteLLM provider, so that `embedded/...` goes the way of every other model.

Imports LiteLLM, so only the gateway imports this, inside a function.
"""

import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import litellm
from litellm.llms.custom_llm import CustomLLM, CustomLLMError
from litellm.types.utils import GenericStreamingChunk

from tip_serving.generation.embedded import WRITERS
from tip_serving.generation.model import Message

PROVIDER = "embedded"


class EmbeddedProvider(CustomLLM):  # type: ignore[misc]
    """Answers from the writer that the model names."""

    def completion(self, **call: Any) -> litellm.ModelResponse:
        """The writer's text in the shape of an OpenAI answer; words stand for tokens."""
        model, messages = str(call["model"]), [Message(item["role"], item["content"]) for item in call["messages"]]
        writer = WRITERS.get(model)
        if writer is None:
            raise CustomLLMError(status_code=404, message=f"no writer {model!r}; there are {', '.join(WRITERS)}")
        parameters = call["optional_params"]
        text = writer.write(messages, temperature=parameters.get("temperature") or 0.0, seed=parameters.get("seed"))
        n_read = sum(len(message.content.split()) for message in messages)
        n_written = len(text.split())
        return litellm.ModelResponse(
            id=uuid.uuid4().hex,
            created=int(time.time()),
            model=model,
            choices=[{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            usage={"prompt_tokens": n_read, "completion_tokens": n_written, "total_tokens": n_read + n_written},
        )

    async def acompletion(self, **call: Any) -> litellm.ModelResponse:
        """The same: writing takes microseconds and waits for nothing."""
        return self.completion(**call)

    async def astreaming(self, **call: Any) -> AsyncIterator[GenericStreamingChunk]:
        """The same text word by word, the usage with the last one."""
        answer = self.completion(**call)
        pieces = re.findall(r"\s*\S+", answer.choices[0].message.content)
        for position, piece in enumerate(pieces, start=1):
            is_last = position == len(pieces)
            usage = answer.usage.model_dump() if is_last else None
            yield GenericStreamingChunk(
                text=piece, is_finished=is_last, finish_reason="stop" if is_last else "", usage=usage, index=0
            )


def register() -> None:
    """Make `embedded/...` known to LiteLLM; a second call changes nothing."""
    if any(entry["provider"] == PROVIDER for entry in litellm.custom_provider_map):
        return
    litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": EmbeddedProvider()})
    litellm.utils.custom_llm_setup()
