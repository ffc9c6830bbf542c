"""What a language model is asked to judge, and within which limits."""

from dataclasses import dataclass

from tip_serving.bench.judging import intake
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.spec import Fault
from tip_serving.generation.catalog import EMBEDDED, Catalog, validate_model_name

ITEMS_PER_BATCH = 1_000
ITEMS_PER_BATCH_WITH_ANCHORS = 100  # each batch has its anchors: drift shows every hundred items


@dataclass(frozen=True)
class Terms:
    """Which model judges, what, and within which limits."""

    model: str
    """As LiteLLM names it, `openai/gpt-4o-mini` say."""
    partners: int | None = None
    """For pairs instead of single tips, see `allocation.pairs`."""
    anchor_set: str | None = None
    limit: int | None = None
    """Items of this session at most."""
    max_cost_usd: float | None = None
    """Over all sessions of this judge in the experiment."""

    @property
    def judge(self) -> str:
        """The name under which the model's scores are kept."""
        return f"llm:{self.model}"

    @property
    def ask(self) -> Ask:
        """What the export is asked for."""
        size = ITEMS_PER_BATCH if self.anchor_set is None else ITEMS_PER_BATCH_WITH_ANCHORS
        return Ask(self.judge, batch_size=size, partners=self.partners, anchor_set=self.anchor_set)

    def faults(self, catalog: Catalog) -> list[Fault]:
        """Everything that keeps these terms from being met; [] where nothing does."""
        found = []
        name_fault = validate_model_name(self.model) or intake.judge_fault(self.judge)
        if name_fault is not None:
            found.append(Fault("model", f"{self.model!r:.120}: {name_fault}"))
        if self.model.startswith(EMBEDDED):
            found.append(Fault("model", f"{self.model} writes tips by rules and cannot judge; name a language model"))
        if self.max_cost_usd is not None and catalog.price(self.model) is None:
            words = f"cannot be held for {self.model}: its price is unknown; declare it in models.toml"
            found.append(Fault("max_cost_usd", words))
        if self.anchor_set is not None and self.partners is not None:
            found.append(Fault("anchors", "are single tips and cannot be mixed into pairs"))
        return found
