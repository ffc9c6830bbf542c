"""What Dagster loads: every asset in data-flow order, with the jobs, sensors and resources that serve them."""

import dagster as dg

from tip_assets.bench.candidates import candidates
from tip_assets.bench.jobs import BENCH_JOBS
from tip_assets.bench.judging import automatic_verdicts, judge_export, judge_scores
from tip_assets.bench.leaderboard import leaderboard
from tip_assets.bench.scenarios import scenarios
from tip_assets.bench.sensors import bench_sensor
from tip_assets.events.assets import EVENT_ASSETS
from tip_assets.events.sensor import days_sensor, refresh_days
from tip_assets.features.online import online_features
from tip_assets.features.training_set import FEATURE_ASSETS
from tip_assets.models.jobs import MODEL_ASSETS, MODEL_RESOURCES, every_night, train
from tip_assets.releases.sensor import RELEASE_ASSETS, RELEASE_JOBS, release_sensor
from tip_assets.resources.archive import archive_resource
from tip_assets.resources.mirror import mirror_resource
from tip_assets.resources.workshop import workshop_resource
from tip_assets.rewards.sensor import REWARD_ASSETS, analyse_rewards, rewards_sensor

BENCH_ASSETS = [scenarios, candidates, judge_export, automatic_verdicts, judge_scores, leaderboard]

defs = dg.Definitions(
    assets=[
        *BENCH_ASSETS,
        *EVENT_ASSETS,
        *FEATURE_ASSETS,
        online_features,
        *MODEL_ASSETS,
        *RELEASE_ASSETS,
        *REWARD_ASSETS,
    ],
    jobs=[*BENCH_JOBS, refresh_days, train, *RELEASE_JOBS, analyse_rewards],
    sensors=[bench_sensor, days_sensor, release_sensor, rewards_sensor],
    schedules=[every_night],
    resources={
        "workshop": workshop_resource,
        "mirror": mirror_resource,
        "archive": archive_resource,
        **MODEL_RESOURCES,
    },
)
