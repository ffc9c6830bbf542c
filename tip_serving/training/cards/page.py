"""The card for people: Markdown for a terminal or a review, and one HTML file that needs nothing else."""

from tip_serving.training.cards.card import Card


def markdown(card: Card) -> str:
    """The card as Markdown."""
    return f"# {card.name} {card.version}\n"


def html(card: Card) -> str:
    """The card as one self-contained page."""
    return f"<!doctype html><title>{card.name} {card.version}</title>"
