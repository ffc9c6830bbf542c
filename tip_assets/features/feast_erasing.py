"""The Feast repository below TIP_HOME as a place of personal data: a person leaves its online store when asked.

Feast itself can only forget whole views. Its keys are made with its own functions here, and rows taken out by them. A
repository elsewhere belongs to whoever put it there; `tip features feast` makes its SQLite file anew each time.
"""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tip_assets.features.feast_repository import CONFIGURATION, ENTITY, ONLINE_FILE, PROJECT, folder_of
from tip_serving.privacy.places import Cleared, Place
from tip_serving.scoring.online_store.profile import KEPT_S
from tip_serving.settings import Settings


def feast(chosen: Settings) -> Place | None:
    """The repository; None where there is none."""
    folder = folder_of(chosen)
    return _Repository(folder) if (folder / CONFIGURATION).exists() else None


class _Repository:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def erase(self, user: str, until: dt.datetime) -> Cleared:
        del until  # whatever lies here was computed from what has happened
        from feast import FeatureStore
        from feast.infra.key_encoding_utils import serialize_entity_key
        from feast.protos.feast.types.EntityKey_pb2 import EntityKey
        from feast.protos.feast.types.Value_pb2 import Value

        store = FeatureStore(repo_path=str(self._folder))
        key = serialize_entity_key(
            EntityKey(join_keys=[ENTITY], entity_values=[Value(string_val=user)]),
            entity_key_serialization_version=store.config.entity_key_serialization_version,
        )
        if store.config.online_store.type == "redis":
            return Cleared(_removed_from_redis(store, key + PROJECT.encode()))
        return self._delete("entity_key = ?", key)

    def expire(self, now: dt.datetime) -> Cleared:
        """From SQLite; in Redis, Feast lets go by itself of whom it is not told of again."""
        return self._delete("event_ts < ?", int(now.timestamp() - KEPT_S))

    def _delete(self, condition: str, value: object) -> Cleared:
        if not (self._folder / ONLINE_FILE).exists():
            return Cleared(0)
        with closing(sqlite3.connect(self._folder / ONLINE_FILE)) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # deleted people leave no bytes in free pages
            with connection:
                tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                statements = [f'DELETE FROM "{name}" WHERE {condition}' for (name,) in tables]  # noqa: S608  Feast's
                return Cleared(sum(connection.execute(statement, (value,)).rowcount for statement in statements))


def _removed_from_redis(store: Any, key: bytes) -> int:
    """Features of a person, and the moments beside them, as Feast keeps both in one hash."""
    from feast.infra.online_stores.redis import RedisOnlineStore

    # Feast's own way to a connection: nobody else can read its address alike.
    with RedisOnlineStore()._get_client(store.config.online_store) as client:  # noqa: SLF001
        n_found: int = client.hlen(key)
        client.delete(key)
    return n_found
