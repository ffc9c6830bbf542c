"""The run that trains: reward model, policies, their evaluation and the candidate for release, one MLflow run.

Training releases nothing, so it may run every night; whether it does is for whoever runs the installation to say.
"""

import dagster as dg

from tip_assets.models.policy_evaluation import policy_evaluation
from tip_assets.models.prompt_policy import prompt_policy
from tip_assets.models.release_candidate import release_candidate
from tip_assets.models.reward_model import reward_model
from tip_assets.models.tip_policy import tip_policy
from tip_assets.resources.mlflow_run import mlflow_resource

MODEL_ASSETS = [reward_model, tip_policy, policy_evaluation, prompt_policy, release_candidate]
MODEL_RESOURCES = {"mlflow": mlflow_resource}

train = dg.define_asset_job("train", MODEL_ASSETS, executor_def=dg.in_process_executor)

every_night = dg.ScheduleDefinition(
    name="train_every_night", job=train, cron_schedule="30 4 * * *", default_status=dg.DefaultScheduleStatus.STOPPED
)
