"""The Dagster code location: everything that is materialized, and the commands that materialize it."""
