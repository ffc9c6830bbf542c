"""Policies choose an arm for a context, say with which probability, and learn from what came of it.

They need numpy alone, so that a server can hold one: no scipy, no data frames. In reading order: `decision` the record
of a choice and the exact draw, `feedback` what came back, `policy` the protocol, `roster` arms and their priors,
`sums` and `linear_sums` what policies remember, then the policies themselves (`uniform`, `epsilon_greedy`,
`beta_thompson`, `lin_thompson`, `lin_ucb`, `inverse_gap`, `softmax`), `state` to text and back.
"""
