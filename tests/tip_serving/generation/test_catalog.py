"""What the catalog knows of models, and which names it refuses."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tip_serving.generation.catalog import MAX_NAME, Catalog, CatalogError, embedded_models, validate_model_name
from tip_serving.lake import layout
from tip_serving.settings import Settings


@pytest.mark.parametrize(
    ("model", "size_b"),
    [
        ("ollama/llama3.2:3b", 3.0),
        ("ollama/llama3.2", 3.2),
        ("ollama/llama3.2:latest", 3.2),
        ("ollama/llama3.1:70b-instruct-q4_K_M", 70.0),
        ("ollama/qwen2.5:0.5b", 0.5),
        ("ollama/smollm:135m", 0.135),
        ("openrouter/mistralai/mixtral-8x7b-instruct", 46.7),
        ("together_ai/some/new-moe-16x3b", 48.0),
        ("hosted_vllm/nobody-listed-this-9B", 9.0),
        ("embedded/planner", 0.0),
        ("openai/gpt-4o-mini", None),
        ("openai/gpt-4", None),
        ("vendor/model-4bit", None),
    ],
)
def test_sizes_are_read_off_names_and_never_guessed(model: str, size_b: float | None) -> None:
    assert Catalog().size_b(model) == size_b


def test_known_prices_come_with_the_library_and_local_models_cost_nothing() -> None:
    catalog = Catalog()
    price = catalog.price("openai/gpt-4o-mini")
    assert price is not None
    assert 0 < price.input_usd < price.output_usd < 1e-4
    assert catalog.cost_usd("openai/gpt-4o-mini", 1000, 100) == 1000 * price.input_usd + 100 * price.output_usd
    assert catalog.cost_usd("ollama/llama3.2:3b", 1000, 100) == 0.0
    assert catalog.cost_usd("vendor/unheard-of", 1000, 100) is None


def test_a_declaration_wins_over_all_that_is_known(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('["openai/gpt-4o-mini"]\nsize_b = 8\ninput_usd_per_mtok = 2.0\noutput_usd_per_mtok = 6.0\n')
    catalog = Catalog.load(Settings(tip_home=tmp_path))
    assert catalog.size_b("openai/gpt-4o-mini") == 8
    assert catalog.cost_usd("openai/gpt-4o-mini", 1_000_000, 500_000) == pytest.approx(5.0)


def test_a_catalog_with_faults_names_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('["a/b"]\nsize_b = -1\n["c/d"]\nprice = 3\n')
    with pytest.raises(CatalogError, match=r"a/b\.size_b.*c/d\.price"):
        Catalog.load(Settings(tip_home=tmp_path, tip_model_catalog=file))
    with pytest.raises(CatalogError, match="does not exist"):
        Catalog.load(Settings(tip_home=tmp_path, tip_model_catalog=tmp_path / "none.toml"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        " openai/x",
        "gpt-4o",
        "a/",
        "/b",
        "a/b|c",
        "a/b...c",
        "a/b,c/d",
        "a/\n",
        "a/" + "x" * 200,
        "a/" + "ü" * 40,
        "a/\udcff",
    ],
)
def test_names_that_would_break_partitions_are_refused(name: str) -> None:
    assert validate_model_name(name) is not None


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=MAX_NAME).map("openai/".__add__))
def test_an_accepted_name_fits_every_file_of_its_cell(name: str) -> None:
    assume(validate_model_name(name) is None)
    longest = f".{Path(layout.cell_result('tip-bench-x', name, 'v100')).name[:-5]}.parquet.0a1b2c3d"
    assert len(longest.encode()) <= 255


def test_usual_names_are_accepted() -> None:
    for name in (*embedded_models(), "ollama/llama3.2:3b", "azure/my-deployment", "bedrock/us.meta.llama3-2-3b-v1:0"):
        assert validate_model_name(name) is None
