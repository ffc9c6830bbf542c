"""What is known of models without calling one: size, price, keys they need, and whether a name can be one.

Prices come from the list that LiteLLM ships (read as a file: importing LiteLLM takes seconds), sizes from the name.
A team declares what neither knows in a TOML file:

    ["openai/our-finetune"]
    size_b = 8
    input_usd_per_mtok = 0.2
    output_usd_per_mtok = 0.6
"""

import importlib.util
import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tip_serving.generation.embedded import WRITERS
from tip_serving.lake import layout
from tip_serving.settings import Settings

EMBEDDED = "embedded/"
MAX_NAME = 200  # as a path segment: file systems take 255 bytes, of which prompt and ending need some
_PER_MILLION = 1e-6

_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)(b|m)(?![a-z0-9])", re.IGNORECASE)
"""`3b`, `1.5B`, `8x7b`, `350m`, standing by itself: not `gpt-4`, not `4bit`, not `q4_K_M`."""

# Billions of parameters where a usual name does not tell; totals for mixtures of experts.
_KNOWN_SIZES = {
    "llama3": 8.0,
    "llama3.1": 8.0,
    "llama3.2": 3.2,
    "llama3.3": 70.0,
    "mistral": 7.2,
    "mistral-nemo": 12.2,
    "mixtral": 46.7,
    "mixtral-8x7b": 46.7,
    "mixtral-8x22b": 141.0,
    "phi3": 3.8,
    "phi3:mini": 3.8,
    "phi3:medium": 14.0,
    "phi4": 14.7,
    "phi4-mini": 3.8,
    "gemma2": 9.2,
    "gemma3": 4.3,
    "qwen2.5": 7.6,
    "qwen3": 8.2,
    "tinyllama": 1.1,
    "deepseek-v3": 671.0,
    "deepseek-r1": 671.0,
    "deepseek-chat": 671.0,
    "deepseek-reasoner": 671.0,
}
_LOCAL_PROVIDERS = ("embedded", "ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm", "xinference")
_KEYS = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY", "AZURE_API_BASE"),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "cohere": ("COHERE_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "gemini": ("GEMINI_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY",),
    "vertex_ai": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "xai": ("XAI_API_KEY",),
}


class CatalogError(Exception):
    """A catalog file that cannot be used; lists every fault."""


class Price(NamedTuple):
    """US dollars per token."""

    input_usd: float
    output_usd: float


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size_b: Annotated[float | None, Field(ge=0)] = None
    input_usd_per_mtok: Annotated[float | None, Field(ge=0)] = None
    output_usd_per_mtok: Annotated[float | None, Field(ge=0)] = None


class Catalog:
    """Sizes and prices, with a team's own declarations first.

    Args:
        declared: by model name, as the TOML file says.
    """

    def __init__(self, declared: Mapping[str, _Declared] | None = None) -> None:
        self._declared = dict(declared or {})

    @classmethod
    def load(cls, settings: Settings) -> "Catalog":
        """The catalog with the file of `settings` (or `models.toml` in its home), if there is one.

        Raises:
            CatalogError: the file is missing though it was named, is not TOML, or declares something else.
        """
        path = settings.tip_model_catalog or settings.home / "models.toml"
        if not path.exists():
            if settings.tip_model_catalog is not None:
                raise CatalogError(f"TIP_MODEL_CATALOG names {path}, which does not exist.")
            return cls()
        return cls(_read_declared(path))

    @property
    def declared(self) -> tuple[str, ...]:
        """The models that the team declared."""
        return tuple(self._declared)

    @cached_property
    def _shipped(self) -> Mapping[str, dict[str, Any]]:
        return _shipped_prices()

    def size_b(self, model: str) -> float | None:
        """Billions of parameters: declared, known by name, or read off the name; None where nothing tells."""
        declared = self._declared.get(model)
        if declared is not None and declared.size_b is not None:
            return declared.size_b
        if model.startswith(EMBEDDED):
            return 0.0
        name = model.rpartition("/")[2].lower()
        for known in (name, name.removesuffix(":latest"), re.sub(r"-(instruct|chat|it)(-.*)?$", "", name)):
            if known in _KNOWN_SIZES:
                return _KNOWN_SIZES[known]
        sizes = [_billions(*match) for match in _SIZE.findall(name.replace("_", "-").replace(":", "-"))]
        return max(sizes, default=None)

    def price(self, model: str) -> Price | None:
        """What a token costs; None where nobody knows. Local and embedded models cost nothing."""
        declared = self._declared.get(model)
        if declared is not None and declared.input_usd_per_mtok is not None:
            output = declared.output_usd_per_mtok
            return Price(
                declared.input_usd_per_mtok * _PER_MILLION,
                (declared.input_usd_per_mtok if output is None else output) * _PER_MILLION,
            )
        if model.partition("/")[0] in _LOCAL_PROVIDERS:
            return Price(0.0, 0.0)
        for name in (model, model.partition("/")[2]):
            entry = self._shipped.get(name, {})
            if "input_cost_per_token" in entry:
                return Price(float(entry["input_cost_per_token"]), float(entry.get("output_cost_per_token") or 0.0))
        return None

    def cost_usd(self, model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What one call costs; None where the price is unknown."""
        price = self.price(model)
        return None if price is None else prompt_tokens * price.input_usd + completion_tokens * price.output_usd


def _billions(experts: str, number: str, unit: str) -> float:
    return int(experts or 1) * float(number) * (1.0 if unit.lower() == "b" else 1e-3)


@cache
def _shipped_prices() -> Mapping[str, dict[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    path = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
    prices: Mapping[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return prices


def _read_declared(path: Path) -> dict[str, _Declared]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{path} is not TOML: {error}") from None
    declared, faults = {}, []
    for model, fields in content.items():
        try:
            declared[model] = _Declared.model_validate(fields)
        except ValidationError as error:
            faults += [f"{model}.{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors()]
    if faults:
        raise CatalogError(f"{path}: " + "; ".join(faults))
    return declared


@cache
def embedded_models() -> tuple[str, ...]:
    """Every embedded model by name, from naive to decent."""
    return tuple(EMBEDDED + name for name in WRITERS)


def key_variables(model: str) -> tuple[str, ...]:
    """The environment variables that the model's provider needs; empty where none, or where it is not known."""
    return _KEYS.get(model.partition("/")[0], ())


def known_key_variables() -> tuple[str, ...]:
    """The variables of all providers known here, by provider."""
    return tuple(name for names in _KEYS.values() for name in names)


def validate_model_name(name: str) -> str | None:
    """What is wrong with `name` as a model name (`provider/model`), or None.

    Partition keys hold model names, and Dagster checks none: `|` would make a key vanish, `...` reads as a range.
    """
    if not name or name != name.strip():
        return "must not be empty nor begin or end with a space"
    if not name.isprintable() or "|" in name or "..." in name or "," in name:
        return "must not hold control characters, '|', ',' or '...'"
    if len(layout.encode(name)) > MAX_NAME:
        return f"is longer than {MAX_NAME} characters, where all but plain letters and digits count three or more"
    provider, slash, model = name.partition("/")
    if not slash or not provider or not model:
        return "must be written provider/model, such as ollama/llama3.2:3b or openai/gpt-4o-mini"
    return None
