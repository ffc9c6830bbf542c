"""Worlds whose truth is known, to try policies and estimators on; used by tests and benchmarks, not by the server.

`worlds`: linear, logistic, drifting, delayed, many arms, cold start. `multiclass`: labelled data as a world, digits for
one. `play`: lets a policy decide round after round and logs what off-policy evaluation needs, beside the truth.
"""
