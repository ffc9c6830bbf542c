"""`redis://host:port/db` and `rediss://`: one Redis that many servers ask.

Grain: one string per user, `tip:profile:<user>`: a MessagePack map from feature to its moment and its value as JSON,
with a space between. A GET of one string costs half of an HGETALL of 14 fields. A profile that nobody wrote to for as
long as the longest TTL goes by itself.

Imported where a Redis is configured and nowhere else: redis-py takes 0.16 s and 14 MB.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from redis import Redis, RedisError, exceptions
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from tip_serving.scoring.online_store.port import AT_ONCE, StoreBusyError, StoreDataError, StoreDownError, StoreError
from tip_serving.scoring.online_store.profile import KEPT_S, MOMENT_WIDTH, Entry, shipped

_PREFIX = "tip:profile:"
_ANSWER_S = 0.5  # of a question that nobody waits for any more; then its connection is given up
_CONNECT_S = 2.0  # behind TLS, on a machine that is busy
_PAUSE_S = 0.5  # after which one question tries a Redis that was down again; until it is answered nobody waits for it
_WRITE_ANSWER_S = 30.0
_WRITE_ATTEMPTS = 3
_RESP = 2  # nothing here needs more

# One call per user, so that a reader sees all of a snapshot or nothing of it. Values pass through as text: a number of
# Lua would not come out as it went in.
_PUT = f"""
local is_known, features = pcall(cmsgpack.unpack, redis.call('GET', KEYS[1]) or '')
if not is_known or type(features) ~= 'table' then features = {{}} end
local n_put = 0
for place = 2, #ARGV, 2 do
    local known = features[ARGV[place]]
    local given = ARGV[place + 1]
    if type(known) ~= 'string' or string.sub(known, 1, {MOMENT_WIDTH}) <= string.sub(given, 1, {MOMENT_WIDTH}) then
        features[ARGV[place]] = given
        n_put = n_put + 1
    end
end
if n_put > 0 then redis.call('SET', KEYS[1], cmsgpack.pack(features), 'EX', ARGV[1]) end
return n_put
"""
_PACKED = msgspec.msgpack.Decoder(dict[str, str])


class RedisStore:
    """Asks one Redis over at most as many connections as questions may be in flight."""

    def __init__(self, url: str) -> None:
        # Once more and at once where a connection broke: those that are kept are dead when Redis was started again.
        again = AsyncRetry(NoBackoff(), 1, (exceptions.ConnectionError,))
        self._client: Any = _client(redis_asyncio.Redis, url, _ANSWER_S, again, max_connections=AT_ONCE)
        self._down_until: float | None = None

    async def features(self, user: str) -> dict[str, Any] | None:
        """By name `{value, computed_at}`; None for an unknown user.

        Raises:
            StoreDownError: nobody answers there, or did not a moment ago.
            StoreBusyError: it says that it cannot now.
            StoreDataError: what lies under the user's key cannot be read.
            RedisError: whatever else it says.
        """
        clock = asyncio.get_running_loop().time
        if self._down_until is not None:
            if clock() < self._down_until:
                raise StoreDownError("Redis did not answer a moment ago.")
            self._down_until = clock() + _CONNECT_S + _ANSWER_S  # this question finds out
        try:
            packed: bytes | None = await self._client.get(_PREFIX + user)
        except RedisError as error:
            told = _told(error)
            self._down_until = clock() + _PAUSE_S if isinstance(told, StoreDownError) else None
            raise told from error
        self._down_until = None
        return None if packed is None else shipped(_entries(packed))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class RedisWriter:
    """Writes to one Redis; each user's features in one step.

    Every method raises what a store raises that is asked, where Redis does not do as told after a few attempts.
    """

    def __init__(self, url: str) -> None:
        patience = Retry(ExponentialBackoff(), _WRITE_ATTEMPTS)
        self._client: Any = _client(Redis, url, _WRITE_ANSWER_S, patience)
        self._put = self._client.register_script(_PUT)

    def put(self, batch: Sequence[tuple[str, Sequence[Entry]]]) -> int:
        """Put the entries of each user, where they are not older than what is there; how many were put."""
        pipeline = self._client.pipeline(transaction=False)
        for user, found in batch:
            fields = [part for entry in found for part in (entry.name, f"{entry.computed_at} {entry.value}")]
            self._put(keys=[_PREFIX + user], args=[KEPT_S, *fields], client=pipeline)
        return sum(_done(pipeline.execute))

    def erase(self, user: str) -> int:
        """Remove the features of a person; how many there were."""
        packed: bytes | None = _done(lambda: self._client.getdel(_PREFIX + user))
        return 0 if packed is None else len(_entries(packed))

    def expire(self, before: dt.datetime) -> int:
        """Nothing: Redis lets go by itself of what nobody writes."""
        del before
        return 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _client(kind: Any, url: str, answer_s: float, retry: Any, **further: Any) -> Any:
    try:
        return kind.from_url(
            url, protocol=_RESP, retry=retry, socket_timeout=answer_s, socket_connect_timeout=_CONNECT_S, **further
        )  # fmt: skip
    except (ValueError, RedisError):  # whose words may hold parts of a password
        raise StoreError(
            "The address of the Redis cannot be read; expected redis://user:password@host:port/db."
        ) from None


def _done(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except RedisError as error:
        raise _told(error) from error


def _told(error: Exception) -> Exception:
    """The error in the words of the port; the order matters, as some of redis-py's derive from one another."""
    match error:
        case exceptions.BusyLoadingError() | exceptions.MaxConnectionsError():
            return StoreBusyError(str(error))
        case exceptions.AuthenticationError() | exceptions.AuthorizationError():
            return error  # derived from ConnectionError; yet somebody answers there
        case exceptions.ConnectionError() | exceptions.TimeoutError():
            return StoreDownError(str(error))  # one that takes no further client too: it hangs up before it says so
        case exceptions.ResponseError() if str(error).startswith("WRONGTYPE"):
            return StoreDataError(str(error))
        case exceptions.ResponseError() if str(error).startswith(("BUSY", "TRYAGAIN")):
            return StoreBusyError(str(error))
        case _:
            return error


def _entries(packed: bytes) -> list[Entry]:
    try:
        features = _PACKED.decode(packed)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreDataError(f"A stored profile cannot be read: {error}") from error
    fields = [(name, *field.partition(" ")) for name, field in features.items()]
    return [Entry(name, computed_at, value) for name, computed_at, _, value in fields]
