"""The ten estimators against plain loops, by hand, at their limits, and under changes that must not matter."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import logged

from tip_experiments import ope

Columns = dict[str, Any]
MODELLED = ("dm", "dr", "sndr", "switch_dr", "dr_os")
OWN: dict[str, Columns] = {"clipped_ips": {"clip": 1.5}, "switch_dr": {"tau": 1.5}, "dr_os": {"lambda_": 3.0}}
ALL = ("ips", "clipped_ips", "snips", "replay", "mips", *MODELLED)


def given_columns(rng: np.random.Generator, n: int, n_actions: int) -> Columns:
    """Any log: dense policies, rewards between 0 and 1, a random model and random categories."""
    probabilities = rng.dirichlet(np.ones(n_actions), n) * 0.8 + 0.2 / n_actions
    actions = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return {
        "rewards": rng.random(n),
        "actions": actions,
        "propensities": probabilities[np.arange(n), actions],
        "target": rng.dirichlet(np.ones(n_actions), n),
        "reward_model": rng.random((n, n_actions)),
        "probabilities": probabilities,
        "embedding": actions % 3,
    }


def estimate(name: str, columns: Columns, **more: Any) -> ope.Estimate:
    unused = {"reward_model"} if name not in MODELLED else set()
    if name != "mips":
        unused |= {"embedding", "probabilities"}
    taken = {key: value for key, value in columns.items() if key not in unused}
    found: ope.Estimate = getattr(ope, name)(**taken, **OWN.get(name, {}), **more)
    return found


def reference(name: str, columns: Columns) -> float:
    """The textbook formula, round by round: what each adds to the mean, or to both sides of a ratio."""
    n = len(columns["rewards"])
    rounds = [reference_round(name, columns, i) for i in range(n)]
    numerator, denominator = sum(up for _, up, _ in rounds), sum(down for _, _, down in rounds)
    return sum(plain for plain, _, _ in rounds) / n + (numerator / denominator if denominator else 0.0)


def reference_round(name: str, columns: Columns, i: int) -> tuple[float, float, float]:
    a, r = int(columns["actions"][i]), float(columns["rewards"][i])
    pi, q = columns["target"][i], columns["reward_model"][i]
    w = pi[a] / columns["propensities"][i]
    expected = sum(float(p * value) for p, value in zip(pi, q, strict=True))
    missed = w * (r - q[a])
    return {
        "ips": (w * r, 0.0, 0.0),
        "clipped_ips": (min(w, 1.5) * r, 0.0, 0.0),
        "snips": (0.0, w * r, w),
        "replay": (0.0, pi[a] * r, pi[a]),
        "mips": (r * marginal_weight(columns, i), 0.0, 0.0),
        "dm": (expected, 0.0, 0.0),
        "dr": (expected + missed, 0.0, 0.0),
        "sndr": (expected, missed, w),
        "switch_dr": (expected + (missed if w <= 1.5 else 0.0), 0.0, 0.0),
        "dr_os": (expected + 3.0 * missed / (w * w + 3.0), 0.0, 0.0),
    }[name]


def marginal_weight(columns: Columns, i: int) -> float:
    """Of the category shown in round `i`, by how often each action came with it."""
    wanted = logged_mass = 0.0
    for action in range(columns["target"].shape[1]):
        seen = columns["embedding"][columns["actions"] == action]
        share = float((seen == columns["embedding"][i]).mean()) if seen.size else 0.0
        wanted += share * columns["target"][i, action]
        logged_mass += share * columns["probabilities"][i, action]
    return wanted / logged_mass


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(3))
def test_each_estimator_is_its_textbook_formula(name: str, seed: int) -> None:
    columns = given_columns(np.random.default_rng(seed), 400, 5)
    assert estimate(name, columns).value == pytest.approx(reference(name, columns), abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6), st.sampled_from(ALL))
def test_each_estimator_is_its_textbook_formula_on_any_small_log(seed: int, n: int, n_actions: int, name: str) -> None:
    columns = given_columns(np.random.default_rng(seed), n, n_actions)
    assert estimate(name, columns).value == pytest.approx(reference(name, columns), abs=1e-10)


def test_two_rounds_by_hand() -> None:
    # weights 0.8 / 0.5 = 1.6 and 0.4 / 0.8 = 0.5; the model expects 0.8 * 0.5 + 0.2 * 0.25 = 0.45 and 0.4
    columns = {
        "rewards": [1.0, 0.5],
        "actions": [0, 1],
        "propensities": [0.5, 0.8],
        "target": [[0.8, 0.2], [0.6, 0.4]],
    }
    model = {"reward_model": [[0.5, 0.25], [0.5, 0.25]]}
    assert ope.ips(**columns).value == pytest.approx((1.6 + 0.25) / 2)
    assert ope.clipped_ips(**columns, clip=1.0).value == pytest.approx((1.0 + 0.25) / 2)
    assert ope.snips(**columns).value == pytest.approx((1.6 + 0.25) / 2.1)
    assert ope.replay(**columns).value == pytest.approx((0.8 + 0.2) / 1.2)
    assert ope.dm(**columns, **model).value == pytest.approx((0.45 + 0.4) / 2)
    corrections = (1.6 * 0.5, 0.5 * 0.25)
    assert ope.dr(**columns, **model).value == pytest.approx((0.85 + sum(corrections)) / 2)
    assert ope.sndr(**columns, **model).value == pytest.approx(0.425 + sum(corrections) / 2.1)
    assert ope.switch_dr(**columns, **model, tau=1.0).value == pytest.approx((0.85 + corrections[1]) / 2)
    shrunken = (2.0 / (2.0 + 1.6**2), 2.0 / (2.0 + 0.5**2))
    expected = (0.85 + shrunken[0] * corrections[0] + shrunken[1] * corrections[1]) / 2
    assert ope.dr_os(**columns, **model, lambda_=2.0).value == pytest.approx(expected)
    diagnostics = ope.ips(**columns).diagnostics
    assert diagnostics.n == 2
    assert diagnostics.effective_sample_size == pytest.approx(2.1**2 / (1.6**2 + 0.5**2))
    assert diagnostics.largest_weight == pytest.approx(1.6)
    assert diagnostics.mean_weight == pytest.approx(1.05)
    assert diagnostics.unsupported_share == 0.0


def test_limits_of_clip_tau_and_lambda_are_the_estimators_they_lie_between() -> None:
    columns = given_columns(np.random.default_rng(3), 500, 4)
    log = ope.LoggedRounds(**columns)
    found = {
        key: value.value
        for key, value in zip(
            ("ips", "dm", "dr", "unclipped", "switch 0", "switch inf", "os 0", "os inf"),
            ope.evaluate(
                log,
                [
                    ope.IPS(), ope.DM(), ope.DR(), ope.ClippedIPS(np.inf), ope.SwitchDR(0.0), ope.SwitchDR(np.inf),
                    ope.DRos(0.0), ope.DRos(np.inf),
                ],
            ),
            strict=True,
        )
    }  # fmt: skip
    assert found["unclipped"] == pytest.approx(found["ips"], abs=1e-12)
    assert found["switch 0"] == found["os 0"] == pytest.approx(found["dm"], abs=1e-12)
    assert found["switch inf"] == found["os inf"] == pytest.approx(found["dr"], abs=1e-12)


def test_a_model_of_nothing_but_zeros_turns_the_doubly_robust_into_the_weighted() -> None:
    columns = given_columns(np.random.default_rng(4), 300, 4)
    columns["reward_model"] = np.zeros((300, 4))
    assert estimate("dr", columns).value == pytest.approx(estimate("ips", columns).value, abs=1e-12)
    assert estimate("sndr", columns).value == pytest.approx(estimate("snips", columns).value, abs=1e-12)


def test_the_logging_policy_itself_earns_the_mean_reward() -> None:
    columns = given_columns(np.random.default_rng(5), 300, 4)
    columns["target"] = columns["probabilities"]
    for name in ("ips", "snips", "mips"):
        found = estimate(name, columns)
        assert found.value == pytest.approx(columns["rewards"].mean(), abs=1e-12)
        assert found.diagnostics.effective_sample_size == pytest.approx(300)


def test_categories_that_tell_every_action_apart_turn_mips_into_ips() -> None:
    columns = given_columns(np.random.default_rng(6), 300, 4)
    columns["embedding"] = columns["actions"]
    whole = estimate("mips", columns, p_e=np.eye(4))
    assert whole.value == pytest.approx(estimate("ips", columns).value, abs=1e-12)
    assert estimate("mips", columns).value == pytest.approx(whole.value, abs=1e-12)


def test_mips_needs_no_support_of_actions_where_categories_carry_the_reward() -> None:
    rng = np.random.default_rng(7)
    n = 20_000
    probabilities = np.tile([0.5, 0.0, 0.5, 0.0], (n, 1))
    actions = rng.choice([0, 2], n)
    category = actions // 2
    columns = {
        "rewards": (rng.random(n) < np.array([0.3, 0.6])[category]).astype(float),
        "actions": actions,
        "propensities": np.full(n, 0.5),
        "target": np.tile([0.0, 0.8, 0.0, 0.2], (n, 1)),
        "probabilities": probabilities,
    }
    found = ope.mips(**columns, embedding=category, p_e=np.repeat(np.eye(2), 2, axis=0))
    assert found.is_reliable
    assert found.value == pytest.approx(0.8 * 0.3 + 0.2 * 0.6, abs=5 * found.standard_error)
    counted = ope.mips(**columns, embedding=category)
    assert not counted.is_reliable, "no row shows which category the target's actions have"
    assert counted.diagnostics.unsupported_share == pytest.approx(1.0)
    assert not ope.ips(**columns).is_reliable


def test_replay_of_a_policy_without_dice_is_the_mean_reward_where_it_agrees() -> None:
    rng = np.random.default_rng(8)
    n = 2_000
    chosen, actions, rewards = rng.integers(4, size=n), rng.integers(4, size=n), rng.random(n)
    found = ope.replay(rewards=rewards, actions=actions, propensities=np.full(n, 0.25), target=np.eye(4)[chosen])
    agrees = chosen == actions
    assert found.value == pytest.approx(rewards[agrees].mean(), abs=1e-12)
    assert found.diagnostics.effective_sample_size == pytest.approx(agrees.sum())
    assert found.standard_error == pytest.approx(rewards[agrees].std() / np.sqrt(agrees.sum()), rel=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_rounds_and_of_actions_does_not_matter(name: str) -> None:
    rng = np.random.default_rng(9)
    columns = given_columns(rng, 500, 5)
    order, renamed = rng.permutation(500), rng.permutation(5)
    shuffled = {key: value[order] for key, value in columns.items()}
    for wide in ("target", "reward_model", "probabilities"):
        shuffled[wide] = shuffled[wide][:, renamed]
    shuffled["actions"] = np.argsort(renamed)[shuffled["actions"]]
    before, after = estimate(name, columns), estimate(name, shuffled)
    assert after.value == pytest.approx(before.value, abs=1e-12)
    assert after.standard_error == pytest.approx(before.standard_error, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("n", "n_actions"), [(40_000, 3), (700, 300), (8_193, 2)])
def test_a_log_of_many_chunks_gives_what_its_parts_give(name: str, n: int, n_actions: int) -> None:
    columns = given_columns(np.random.default_rng(10), n, n_actions)
    columns["embedding"] = columns["actions"] % 2
    table = {"p_e": np.eye(2)[np.arange(n_actions) % 2]} if name == "mips" else {}
    halves = [{key: value[rows] for key, value in columns.items()} for rows in (slice(0, n // 3), slice(n // 3, n))]
    whole, first, second = (estimate(name, part, **table) for part in (columns, *halves))
    shares = np.array([n // 3, n - n // 3]) / n
    if name in {"snips", "replay"}:  # the denominators of ratios add up, not the ratios
        ups = [half["target"][np.arange(len(half["actions"])), half["actions"]] for half in halves]
        if name == "snips":
            ups = [up / half["propensities"] for up, half in zip(ups, halves, strict=True)]
        shares = np.array([up.sum() for up in ups]) / sum(up.sum() for up in ups)
    tolerance = 0.02 if name == "sndr" else 1e-12
    assert whole.value == pytest.approx(shares @ [first.value, second.value], abs=tolerance)


def test_other_types_and_memory_orders_give_the_same_answer() -> None:
    columns = given_columns(np.random.default_rng(11), 3_000, 8)
    expected = estimate("dr", columns)
    single = {key: value.astype(np.float32) if value.dtype == float else value for key, value in columns.items()}
    single["actions"] = single["actions"].astype(np.uint8)
    assert estimate("dr", single).value == pytest.approx(expected.value, abs=1e-5)
    turned = {key: np.asfortranarray(value) for key, value in columns.items()}
    assert estimate("dr", turned).value == pytest.approx(expected.value, abs=1e-12)
    spaced = {key: np.repeat(value, 2, axis=0)[::2] for key, value in columns.items()}
    assert estimate("dr", spaced).value == pytest.approx(expected.value, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_positions_add_up(name: str) -> None:
    rng = np.random.default_rng(12)
    columns = given_columns(rng, 3_000, 4)
    positions = np.tile([3, 1, 7], 1_000)
    whole = estimate(name, columns, positions=positions)
    alone = [estimate(name, {key: value[positions == place] for key, value in columns.items()}) for place in (1, 3, 7)]
    assert [part.value for part in whole.positions] == pytest.approx([part.value for part in alone], abs=1e-12)
    assert whole.value == pytest.approx(sum(part.value for part in alone), abs=1e-12)
    assert whole.standard_error == pytest.approx(sum(part.standard_error for part in alone))
    assert whole.diagnostics.n == 3_000
    assert whole.is_reliable == all(part.is_reliable for part in alone)


def test_a_position_that_the_log_cannot_answer_for_refuses_the_slate() -> None:
    columns = given_columns(np.random.default_rng(13), 2_010, 4)
    positions = np.r_[np.zeros(2_000, dtype=int), np.ones(10, dtype=int)]
    found = estimate("ips", columns, positions=positions)
    assert not found.is_reliable
    assert found.interval is None
    assert all(reason.startswith("Position 1: ") for reason in found.refusals)


def test_the_difference_of_two_policies_is_that_of_their_values() -> None:
    columns = given_columns(np.random.default_rng(14), 4_000, 5)
    champion = ope.LoggedRounds(**columns)
    challenger = champion.with_target(np.random.default_rng(15).dirichlet(np.ones(5), 4_000))
    for estimator in (ope.IPS(), ope.SNIPS(), ope.DR(), ope.SNDR(), ope.ClippedIPS(2.0), ope.MIPS()):
        (one,), (other,) = ope.evaluate(champion, [estimator]), ope.evaluate(challenger, [estimator])
        assert ope.difference(champion, challenger, estimator).value == pytest.approx(
            other.value - one.value, abs=1e-12
        )


def test_a_policy_differs_from_itself_by_nothing_and_for_certain() -> None:
    log = ope.LoggedRounds(**given_columns(np.random.default_rng(16), 4_000, 5))
    for estimator in (ope.IPS(), ope.SNIPS(), ope.DR(), ope.SNDR()):
        found = ope.difference(log, log.with_target(log.target), estimator)
        assert found.value == pytest.approx(0.0, abs=1e-12)
        assert found.standard_error == pytest.approx(0.0, abs=1e-7)


def test_the_difference_is_sharper_than_two_separate_estimates() -> None:
    columns = logged.draw(np.random.default_rng(17), 5_000).columns
    challenger = ope.LoggedRounds(**columns)
    nearly = 0.9 * challenger.target + 0.1 * logged.LOGGING.mean(axis=0)
    found = ope.difference(challenger, challenger.with_target(nearly), ope.IPS())
    assert found.standard_error < 0.2 * ope.evaluate(challenger, [ope.IPS()])[0].standard_error


def test_the_difference_is_refused_between_different_rows() -> None:
    one = ope.LoggedRounds(**logged.draw(np.random.default_rng(18), 500).columns)
    other = ope.LoggedRounds(**logged.draw(np.random.default_rng(19), 500).columns)
    with pytest.raises(ValueError, match="same rows; their actions differ"):
        ope.difference(one, other, ope.IPS())


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: ope.ClippedIPS(0.0), "clip must be above 0"),
        (lambda: ope.ClippedIPS(np.nan), "clip must be above 0"),
        (lambda: ope.SwitchDR(-1.0), "tau must be at least 0"),
        (lambda: ope.DRos(np.nan), "lambda_ must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(build: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        build()


def test_an_estimator_says_which_column_it_misses() -> None:
    columns = logged.draw(np.random.default_rng(20), 100).columns
    log = ope.LoggedRounds(**{**columns, "reward_model": None})
    with pytest.raises(ValueError, match="dr needs reward_model; the log has none"):
        ope.evaluate(log, [ope.DR()])
    with pytest.raises(ValueError, match="mips needs embedding and probabilities"):
        ope.evaluate(log, [ope.MIPS()])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ips", "dr", "mips"])
def test_unbiased_over_many_logs(name: str) -> None:
    """Small logs, where a bias of order 1 / n would show; the model of `dr` is off, its propensities are exact."""
    rng = np.random.default_rng(21)
    values = []
    for _ in range(4_000):
        world = logged.draw(rng, 60)
        more = {"probabilities": logged.LOGGING[world.contexts], "embedding": world.columns["actions"]}
        table = {"p_e": np.eye(4)} if name == "mips" else {}
        values.append(estimate(name, {**world.columns, **more}, **table).value)
    error = np.std(values) / np.sqrt(len(values))
    assert error < 0.003
    assert abs(np.mean(values) - logged.truth(logged.BETTER)) < 4.0 * error


@pytest.mark.slow
def test_the_self_normalised_are_consistent_and_the_clipped_errs_low() -> None:
    rng = np.random.default_rng(22)
    values: dict[str, list[float]] = {"snips": [], "sndr": [], "clipped_ips": []}
    for _ in range(300):
        columns = logged.draw(rng, 3_000).columns
        for name, found in values.items():
            found.append(estimate(name, columns).value)
    expected = logged.truth(logged.BETTER)
    for name in ("snips", "sndr"):
        assert abs(np.mean(values[name]) - expected) < 4.0 * np.std(values[name]) / np.sqrt(300) + 1e-3
    assert np.mean(values["clipped_ips"]) < expected - 0.02
