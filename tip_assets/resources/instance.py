"""The Dagster instance on disk under `DAGSTER_HOME`, with settings that fit one machine."""

from pathlib import Path

import dagster as dg

from tip_assets.resources.aside import made_aside
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
    """`DAGSTER_HOME`, made whole where there is none; one that is there stays. Exported for child processes."""
    directory = settings.dagster_directory
    if not directory.exists() or not any(directory.iterdir()):
        with made_aside(directory) as aside:
            aside.mkdir()
            (aside / "dagster.yaml").write_text(_CONFIG, encoding="utf-8")
            with dg.DagsterInstance.from_config(str(aside)) as instance:
                instance.get_run_records(limit=1)
                instance.get_dynamic_partitions("experiment")
                instance.all_instigator_state()
    environment.export(DAGSTER_HOME=str(directory))
    return directory


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The persistent instance."""
    return dg.DagsterInstance.from_config(str(ensure_instance_directory(settings)))
