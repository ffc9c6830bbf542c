"""The partitions of everything that follows from events: UTC days, the one that has begun included."""

import dagster as dg

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1)
