"""The Dagster instance on disk under `DAGSTER_HOME`, with settings that fit one machine."""

from pathlib import Path

import dagster as dg

from tip_serving import settings as environment
from tip_serving.settings import Settings

_CONFIG = """\
# Written once; yours to change. Scale-out replaces storage, run_launcher and run_coordinator here.
nux:
  enabled: false
telemetry:
  enabled: false
run_queue:
  max_concurrent_runs: 4
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  poll_interval_seconds: 30
retention:
  sensor:
    purge_after_days:
      skipped: 2
"""


def ensure_instance_directory(settings: Settings) -> Path:
    """`DAGSTER_HOME` with a dagster.yaml, written only where there is none; exported for child processes."""
    directory = settings.dagster_directory
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "dagster.yaml"
    if not config.exists():
        config.write_text(_CONFIG, encoding="utf-8")
    environment.export(DAGSTER_HOME=str(directory))
    return directory


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The persistent instance."""
    return dg.DagsterInstance.from_config(str(ensure_instance_directory(settings)))
