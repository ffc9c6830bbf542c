"""Policies choose an arm for a context, say with which probability, and learn from what came of it.

They need numpy alone, so that a server can hold one: no scipy, no data frames. In reading order:

- `policy` is the protocol, `decision` the record of a choice and the exact draw, `feedback` what came back, `roster`
  the arms and their priors, `errors` what is refused;
- without a context `uniform`, `epsilon_greedy` and `beta_thompson`, the latter two on `tallies` and `sums`;
- with a context `lin_ucb`, which is the one to start with, `lin_thompson` and `inverse_gap`, all on `linear` and
  `linear_sums`, and `softmax` on `reward_models` that were trained elsewhere;
- `units` says how sums are kept, `winning` who of several is the largest, `state` how a policy becomes text and back.
"""
