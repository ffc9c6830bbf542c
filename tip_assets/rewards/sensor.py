"""The sensor of reward analytics: asks for them whenever a day of tips, a leaderboard or a release changed.

Level-triggered: what the tables would rest on is a fingerprint of three listings, and a run is asked for once for each;
no file is read. Rewards become certain as time passes, so the UTC day is part of it too.
"""

import datetime as dt
import hashlib

import dagster as dg

from tip_assets.rewards.judge_against_people import judge_against_people
from tip_assets.rewards.prompt_rewards import prompt_rewards
from tip_serving import settings
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake

REWARD_ASSETS = [prompt_rewards, judge_against_people]
analyse_rewards = dg.define_asset_job("analyse_rewards", REWARD_ASSETS, executor_def=dg.in_process_executor)
EVERY_S = 60
_BOARDS = layout.boards("").rpartition("/")[2]


@dg.sensor(job=analyse_rewards, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def rewards_sensor() -> dg.RunRequest | dg.SkipReason:
    """Requests the analytics once for everything new that they would rest on."""
    lake = Lake(settings.load().lake_url)
    found = basis(lake, dt.datetime.now(dt.UTC).date())
    if found is None:
        return dg.SkipReason("No tip was shown to anybody yet.")
    return dg.RunRequest(run_key=found)


def basis(lake: Lake, today: dt.date) -> str | None:
    """Names what the tables would rest on; None where there are no tips."""
    days = lake.find(layout.event_days(TIP_SCORES))
    if not days:
        return None
    ranked = [entry for entry in lake.find(layout.EXPERIMENTS) if entry.path.endswith(_BOARDS)]
    steps = lake.find(layout.RELEASE_STEPS)
    told = repr([today, *days, *ranked, *steps])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
