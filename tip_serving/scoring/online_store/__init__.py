"""Profiles of callers that shipped none: a small port to an online feature store, asked within a few milliseconds.

In the order of a profile's life: `profile` is its form in a store; `opening` finds the store that an address means and
writes snapshots into it; `sqlite` and `redis` are the stores; `port` is what a server asks; `erasing` lets a person's
features go.
"""

from tip_serving.scoring.online_store.opening import Written, open_store, write_profiles
from tip_serving.scoring.online_store.port import Fetched, OnlineStore, Profiles, ProfileSource, StoreError
from tip_serving.scoring.online_store.profile import Profile

__all__ = [
    "Fetched",
    "OnlineStore",
    "Profile",
    "ProfileSource",
    "Profiles",
    "StoreError",
    "Written",
    "open_store",
    "write_profiles",
]
