"""The runs that move an experiment on. One run cannot hold assets of different partitions, hence three."""

import dagster as dg

from tip_assets.bench.candidates import candidates
from tip_assets.bench.judging import automatic_verdicts, judge_export, judge_scores
from tip_assets.bench.leaderboard import leaderboard
from tip_assets.bench.scenarios import scenarios

choose_scenarios = dg.define_asset_job("choose_scenarios", [scenarios], executor_def=dg.in_process_executor)
collect = dg.define_asset_job("collect", [candidates], executor_def=dg.in_process_executor)
judge = dg.define_asset_job(
    "judge", [judge_export, automatic_verdicts, judge_scores, leaderboard], executor_def=dg.in_process_executor
)
import_scores = dg.define_asset_job("import_scores", [judge_scores, leaderboard], executor_def=dg.in_process_executor)

BENCH_JOBS = [choose_scenarios, collect, judge, import_scores]
