"""The bench: which (model, prompt) cell writes the better tips.

In data-flow order: `spec` asks, `identity` says which candidates that needs, `store` keeps them, `leases` share the
work, `collect` fills cells, `results` and `state` tell how far it is, `judging` brings scores,
`leaderboard` ranks.
"""
