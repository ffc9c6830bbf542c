"""The bench as assets, in data-flow order.

`partitions`; `scenarios` -> `candidates` -> `judging` (judge_export, automatic_verdicts, judge_scores) ->
`leaderboard`; `jobs` group them into runs;
`sensors` request what an experiment lacks; `tracking` mirrors cells into MLflow; `requesting` turns cells into runs.
"""
