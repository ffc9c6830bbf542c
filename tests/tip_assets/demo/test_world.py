"""The demo's people and what they do: true chances, a known best, and nothing that hangs on who asked when."""

import datetime as dt
import itertools

import numpy as np
import pytest

from tip_assets.demo.catalogue import known_tips, language_of
from tip_assets.demo.people import LANGUAGES, people
from tip_assets.demo.rhythm import Opening, signals
from tip_assets.demo.tasks import open_tasks
from tip_assets.demo.world import World, chances, could_be_written
from tip_serving.features import vector
from tip_serving.features.context import resolve_context
from tip_serving.features.profile import resolve
from tip_serving.scoring.rule import rule_scores

FIRST_DAY = dt.date(2026, 3, 2)


@pytest.fixture(scope="module")
def world() -> World:
    return World(n_people=120, seed=3, first_day=FIRST_DAY, n_days=4)


@pytest.fixture(scope="module")
def opened(world: World) -> list[Opening]:
    return [opening for person in world.people for day in range(3) for opening in world.openings(person, day)]


def test_the_same_seed_makes_the_same_people_and_days_and_more_people_change_nothing_about_them(world: World) -> None:
    more = World(n_people=150, seed=3, first_day=FIRST_DAY, n_days=4)
    assert more.people[:120] == world.people
    assert [more.tasks(person) for person in world.people] == [world.tasks(person) for person in world.people]
    assert more.openings(more.people[7], 2) == world.openings(world.people[7], 2)
    assert people(120, 4, FIRST_DAY) != world.people


def test_a_tip_is_taken_as_often_as_its_chance_says(world: World, opened: list[Opening]) -> None:
    for chance in (0.1, 0.35, 0.8):
        taken = [any(one.reaction == "accepted" for one in world.react(opening, chance)) for opening in opened]
        assert abs(np.mean(taken) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(taken))


def test_a_better_tip_is_never_taken_less_at_the_same_opening(world: World, opened: list[Opening]) -> None:
    for opening in opened[:200]:
        taken = [
            any(one.reaction == "accepted" for one in world.react(opening, chance))
            for chance in np.linspace(0.01, 0.99, 30)
        ]
        assert taken == sorted(taken)


def test_a_reaction_is_the_same_however_often_it_is_asked_for(world: World, opened: list[Opening]) -> None:
    for opening in opened[:50]:
        assert world.react(opening, 0.4) == world.react(opening, 0.4)


def test_whoever_rates_a_tip_well_has_taken_it(world: World, opened: list[Opening]) -> None:
    found = [world.react(opening, 0.5) for opening in opened]
    rated = [(one.rating, {other.reaction for other in reacted}) for reacted in found for one in reacted if one.rating]
    assert len(rated) > 20
    assert all((rating >= 0.5) == ("accepted" in reactions) for rating, reactions in rated)


def test_no_way_of_choosing_beats_the_known_best(world: World, opened: list[Opening]) -> None:
    rng = np.random.default_rng(0)
    by_way: dict[str, list[float]] = {}
    for opening in opened[:250]:
        tips = world.choice(opening, 0.7, writes=True)
        found = chances(opening.person, world.situation(opening), tips)
        best = float(found.max())
        one_by_one = [float(chances(opening.person, world.situation(opening), [tip])[0]) for tip in tips]
        assert best == max(one_by_one)  # what is best of all is best of those that are asked about alone
        by_way.setdefault("best", []).append(best)
        by_way.setdefault("luck", []).append(float(found[rng.integers(len(tips))]))
        for place, chance in enumerate(one_by_one):
            by_way.setdefault(f"always the tip at place {place}", []).append(chance)
    means = {way: float(np.mean(values)) for way, values in by_way.items()}
    assert means["best"] > 1.3 * max(mean for way, mean in means.items() if way != "best")


def test_the_default_rule_leaves_something_to_learn_and_is_better_than_luck(
    world: World, opened: list[Opening]
) -> None:
    by_rule, by_luck, best = [], [], []
    for opening in opened[:250]:
        situation = world.situation(opening)
        tips = [*known_tips(opening.person.language), world.choice(opening, 0.7, writes=True)[-1]]
        features = {"language": opening.person.language}
        known = resolve(features, None, situation.now)
        context = resolve_context(None, situation).values
        points = rule_scores(vector.vectors(known, context, tips, situation))
        found = chances(opening.person, situation, tips)
        weights = np.exp((points - points.max()) / 0.25)
        by_rule.append(float(found @ weights / weights.sum()))
        by_luck.append(float(found.mean()))
        best.append(float(found.max()))
    assert np.mean(by_luck) < np.mean(by_rule) < 0.75 * np.mean(best)


def test_different_people_and_moments_have_different_best_tips(world: World, opened: list[Opening]) -> None:
    best = [
        int(np.argmax(chances(opening.person, world.situation(opening), world.choice(opening, 0.7, writes=True))))
        for opening in opened[:250]
    ]
    assert max(best.count(place) for place in set(best)) < 0.5 * len(best)


def test_the_language_of_every_tip_is_told(world: World, opened: list[Opening]) -> None:
    assert all(language_of(tip) == language for language in LANGUAGES for tip in known_tips(language))
    for opening in opened[:120]:
        account = {"language": opening.person.language}
        situation = world.situation(opening).model_copy(update={"profile_features": account})
        written = could_be_written(situation, 0.7)
        assert language_of(written["embedded/planner@v2"]) == opening.person.language
        assert language_of(written["embedded/maxim@v1"]) == "en"


def test_signals_of_two_halves_are_those_of_the_whole(world: World) -> None:
    begin, middle, end = world.midnight(0), world.midnight(0) + dt.timedelta(hours=11), world.midnight(1)
    for person in world.people[:20]:
        days = itertools.chain.from_iterable(world.openings(person, day) for day in (-1, 0))
        told = person, world.tasks(person), tuple(days)
        whole = list(signals(*told, begin, end))
        halves = [*signals(*told, begin, middle), *signals(*told, middle, end)]
        assert {one.event_id for one in whole} == {one.event_id for one in halves}
        assert len(halves) == len(whole) == len({one.event_id for one in whole})


def test_a_task_is_on_the_list_from_when_it_is_added_until_it_is_done(world: World) -> None:
    lived = next(task for person in world.people for task in world.tasks(person) if task.done_at is not None)
    moments = (lived.added_at - dt.timedelta(seconds=1), lived.added_at, lived.done_at)
    assert [lived.task in open_tasks([lived], moment) for moment in moments if moment] == [False, True, False]
