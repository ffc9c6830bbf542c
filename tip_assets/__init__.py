"""The Dagster code location: everything that is materialized, and the commands that materialize it.

In data-flow order: `bench` (scenarios -> candidates -> judging -> leaderboard). `resources` are what assets work with;
`cli` and `display` are the `tip bench` command, `up` and `doctor` run and examine the installation.
"""

import logging
import warnings

# Partitioned single-run backfills and asset checks are what the graph is built on; that Dagster still calls them beta
# is known and need not be said at every start. Matched by name, so that nothing heavy is imported for it.
warnings.filterwarnings("ignore", message=r".*is currently in (beta|preview)", module=r"dagster\..*")
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
logging.getLogger("alembic").setLevel(logging.WARNING)
