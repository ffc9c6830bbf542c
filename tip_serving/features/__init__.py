"""The feature contract: what is known of a person, a moment and a tip, and the one way from there to numbers.

`profile` is shipped by the caller, `context` derived from clock and tasks, `tip` from a candidate's text; `vector`
turns the three into what models read, `contract` names them all by one hash. `typescript`, `registry` and `export`
keep a caller's registry in step.
"""
