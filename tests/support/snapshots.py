"""Profile snapshots of people in a lake, drawn to be hard to carry, and Feast repositories on them."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tip_assets.features import feast_repository
from tip_assets.features.feast_store import FeastProfiles
from tip_serving.features.contract import IN_FORCE
from tip_serving.features.profile import PROFILE_FEATURES, ProfileFeature
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.training.profiles import end_of, schema

DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3, 4, 6)]
USERS = ["ann", "bob with spaces", "家/é:🙂", "-", *(f"u{n}" for n in range(56))]
LABELS = ["家事", "", 'a "b"', "é", "🙂", "None", "nan", "a,b", " "]
TEXTS = {
    "language": ["en", "de-AT", "ja", "zh-Hant"],
    "time_zone": ["UTC", "Asia/Tokyo", "America/New_York"],
    "quiet_hours": ["22-7", "0-0", "9-17"],
}


def drawn(feature: ProfileFeature, rng: np.random.Generator) -> Any:
    """A value as declared, hard to carry; None one time in five."""
    if rng.random() < 0.2:
        return None
    if feature.dtype == "strings":
        return [str(word) for word in rng.choice(LABELS, int(rng.integers(0, 5)))]
    if feature.dtype == "string":
        return str(rng.choice(TEXTS[feature.name]))
    if feature.dtype == "float":
        return float(rng.choice([rng.random(), 0.0, 1.0]))
    return int(rng.integers(0, 24 if feature.name == "preferred_hour" else 10_000))


def written(lake: Lake) -> pl.DataFrame:
    """A snapshot of each day put into the lake, with three people of five in it; all rows."""
    rng = np.random.default_rng(11)
    frames = []
    for day in DAYS:
        present = [user for user in USERS if rng.random() < 0.6]
        rows = [
            (user, end_of(day), *(drawn(feature, rng) for feature in PROFILE_FEATURES), "hash", None)
            for user in present
        ]
        frames.append(pl.DataFrame(rows, schema(), orient="row"))
        write_table(lake, layout.profile_features(day.isoformat()), frames[-1])
    return pl.concat(frames)


def applied(lake: Lake, folder: Path, online: str) -> FeastProfiles:
    """A repository of the contract in force on the lake's snapshots; nothing is materialized yet."""
    feast_repository.write(folder, IN_FORCE, lake.locate(layout.PROFILES), online)
    found = FeastProfiles(folder)
    found.apply()
    return found
