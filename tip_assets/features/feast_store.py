"""A Feast repository at work: applied, filled from the lake's snapshots, and asked.

Feast is imported when it is used: that takes 5 s. It needs no network for any of this, and what it writes lies below
the repository (or in the Redis that was named). Three traits of Feast 0.67 that this module is built around:

- It applies no TTL to what it answers online; a value comes with its moment, and whoever reads it looks at its age.
- Its SQLite keeps moments to the second, its Redis to the nanosecond; a second is lost, never won.
- Its own `feast apply` imports definitions by their bare module name, once per process; here they are loaded by path.
"""

import contextlib
import datetime as dt
import importlib.util
import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tip_assets.features.feast_repository import CONFIGURATION, DEFINITIONS, ENTITY, SERVICE, FeastRepositoryError
from tip_serving.scoring.online_store import Profile

_AT_ONCE = 500  # people in one question


class FeastProfiles:
    """The repository in `folder`, as it stands.

    Raises:
        FeastRepositoryError: there is none.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / CONFIGURATION).exists():
            raise FeastRepositoryError(f"{folder} holds no Feast repository; `tip features feast` writes one.")
        from feast import FeatureStore

        self._folder = folder
        self._store = FeatureStore(repo_path=str(folder))

    @property
    def store(self) -> Any:
        """Feast's own object, for what is not wrapped here."""
        return self._store

    def apply(self) -> None:
        """Register what the definitions say, and take away views that they do not name any more."""
        from feast import Entity, FeatureService, FeatureView

        kinds = (Entity, FeatureView, FeatureService)
        found = [one for one in vars(_loaded(self._folder / DEFINITIONS)).values() if isinstance(one, kinds)]
        names = {one.name for one in found}
        gone = [view for view in self._store.list_feature_views() if view.name not in names]
        self._store.apply(found, objects_to_delete=gone, partial=False)

    def materialize(self, start: dt.datetime, end: dt.datetime) -> None:
        """Put the latest snapshot of each person from `start` to `end`, both included, into Feast's online store.

        Raises:
            FeastRepositoryError: its Redis does not do as told.
        """
        shown = io.StringIO()  # progress bars
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown), _redis_told():
            self._store.materialize(start, end)

    def profiles(self, users: Iterable[str]) -> Iterator[Profile]:
        """What Feast answers online about these people, nulls too; one that it does not know has no profile here.

        Features of a person that were computed at one moment come together.

        Raises:
            FeastRepositoryError: its Redis does not answer.
        """
        service = self._store.get_feature_service(SERVICE)
        left = iter(users)
        while asked := list(itertools.islice(left, _AT_ONCE)):
            with _redis_told():
                answer = self._store.get_online_features(service, [{ENTITY: user} for user in asked])
            yield from _profiles(asked, answer)


@contextlib.contextmanager
def _redis_told() -> Iterator[None]:
    from redis import RedisError

    try:
        yield
    except RedisError as error:
        raise FeastRepositoryError(f"Feast's online store cannot be used: {error}") from error


def _profiles(asked: list[str], answer: Any) -> Iterator[Profile]:
    columns = answer.to_dict()
    moments = {
        name: [moment.ToDatetime(dt.UTC) if moment.ToNanoseconds() else None for moment in result.event_timestamps]
        for name, result in zip(answer.proto.metadata.feature_names.val, answer.proto.results, strict=True)
        if name != ENTITY
    }
    for row, user in enumerate(asked):
        by_moment: dict[dt.datetime, dict[str, Any]] = {}
        for name, found in moments.items():
            moment = found[row]
            if moment is not None:  # Feast's way to say that it has never heard of this person
                by_moment.setdefault(moment, {})[name] = columns[name][row]
        yield from (Profile(user, moment, features) for moment, features in by_moment.items())


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"feast_definitions_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FeastRepositoryError(f"{path} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
