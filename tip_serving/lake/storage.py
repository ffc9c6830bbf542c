"""Reading and writing the lake: atomic writes and one compare-and-swap, on a disk or an object store.

Paths come from `layout`; Parquet from `tables`.

    LakeError
      MissingError    nothing lies at the path
      ConflictError   something else was written there first
"""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import fsspec


class LakeError(Exception):
    """The lake could not do what was asked."""


class MissingError(LakeError):
    """Nothing lies at the path."""


class ConflictError(LakeError):
    """The path no longer holds what the writer had seen."""


class Entry(NamedTuple):
    """One file of the lake."""

    path: str
    size: int
    modified: datetime


class Versioned(NamedTuple):
    """What a path holds, with the token that `swap` compares."""

    data: bytes
    version: str


class Lake:
    """The files under one URL.

    Args:
        url: an absolute path, `s3://bucket/prefix`, or any fsspec URL. `swap` needs a disk or an S3 whose PUT knows
            `If-Match` and `If-None-Match`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def __repr__(self) -> str:
        return f"Lake({self.url!r})"

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        filesystem, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False, skip_instance_cache=True)
        return filesystem, str(root).rstrip("/")

    @cached_property
    def directory(self) -> Path | None:
        """The lake's folder where it lies on a disk of this machine."""
        filesystem, root = self._opened
        return Path(root) if "file" in filesystem.protocol else None

    def locate(self, path: str) -> str:
        """Where a person finds `path`: a file name or a URL."""
        return f"{self.directory or self.url}/{path}"

    def _full(self, path: str) -> str:
        return f"{self._opened[1]}/{path}"

    def read(self, path: str) -> bytes:
        """The bytes at `path`. Raises MissingError."""
        try:
            data: bytes = self._opened[0].cat_file(self._full(path))
        except FileNotFoundError:
            raise MissingError(f"Nothing lies at {self.locate(path)}.") from None
        except self._refusals as error:
            raise self._refused("read", path, error) from error
        return data

    @cached_property
    def _refusals(self) -> tuple[type[Exception], ...]:
        """What the file system raises where it refuses; an object store that is away is no OSError."""
        if "s3" not in self._opened[0].protocol:
            return (OSError,)
        from botocore.exceptions import BotoCoreError

        return (OSError, BotoCoreError)

    def _refused(self, attempt: str, path: str, error: Exception) -> LakeError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return LakeError(f"Cannot {attempt} {self.locate(path)}: {reason}. `tip doctor` examines the lake.")

    def exists(self, path: str) -> bool:
        """Whether a file lies at `path`."""
        try:
            return bool(self._opened[0].isfile(self._full(path)))
        except self._refusals as error:
            raise self._refused("look for", path, error) from error

    def find(self, prefix: str) -> list[Entry]:
        """Every file below the folder `prefix`, by path; files still being written aside are not among them."""
        filesystem, root = self._opened
        try:
            found = filesystem.find(self._full(prefix), detail=True)
        except FileNotFoundError:
            return []
        except self._refusals as error:
            raise self._refused("list", prefix, error) from error
        entries = [
            Entry(path.removeprefix(f"{root}/"), int(info["size"] or 0), _modified(info))
            for path, info in found.items()
            if not path.rsplit("/", 1)[-1].startswith(".")
        ]
        return sorted(entries)

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders directly below `prefix`."""
        filesystem, _ = self._opened
        try:
            listed = filesystem.ls(self._full(prefix), detail=True)
        except FileNotFoundError:
            return []
        except self._refusals as error:
            raise self._refused("list", prefix, error) from error
        return sorted(item["name"].rstrip("/").rsplit("/", 1)[-1] for item in listed if item["type"] == "directory")

    def write(self, path: str, data: bytes) -> None:
        """Replace what lies at `path` in one step: a reader sees the old bytes or the new ones."""
        try:
            if self.directory is not None:
                _replace(self.directory / path, data)
            else:
                self._opened[0].pipe_file(self._full(path), data)
        except self._refusals as error:
            raise self._refused("write", path, error) from error

    def delete(self, path: str) -> None:
        """Remove `path` if it is there."""
        try:
            self._opened[0].rm_file(self._full(path))
        except FileNotFoundError:
            return
        except self._refusals as error:
            raise self._refused("delete", path, error) from error

    def read_versioned(self, path: str) -> Versioned:
        """What lies at `path` and its version token. Raises MissingError."""
        if self.directory is not None:
            data = self.read(path)
            return Versioned(data, _digest(data))
        answer = self._call_s3("get_object", path)
        body: bytes = answer["data"]
        return Versioned(body, answer["ETag"])

    def swap(self, path: str, data: bytes, expected: str | None) -> str:
        """Write `data` only if `path` still is at version `expected` (None: does not exist); its new version.

        Raises:
            ConflictError: somebody else wrote first.
        """
        if self.directory is not None:
            try:
                return self._swap_on_disk(self.directory / path, data, expected)
            except OSError as error:
                raise self._refused("write", path, error) from error
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        version: str = self._call_s3("put_object", path, Body=data, **condition)["ETag"]
        return version

    def _swap_on_disk(self, target: Path, data: bytes, expected: str | None) -> str:
        conflict = ConflictError(f"{target} was written by somebody else.")
        if expected is None and target.exists():  # told apart without the lock, so also where nothing can be written
            raise conflict
        with self._locked():
            current = _digest(target.read_bytes()) if target.exists() else None
            if current != expected:
                raise conflict
            _replace(target, data)
        return _digest(data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lake's lock file: swaps of processes on this disk follow one another."""
        assert self.directory is not None  # noqa: S101  only swap on a disk comes here
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _call_s3(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """One S3 operation on `path`, with the errors of this module; the body of a GET is read into `data`."""
        filesystem, _ = self._opened
        if "s3" not in filesystem.protocol:
            raise LakeError(
                f"{self.url} cannot hold the lake: leases need a conditional write, which is known here for a disk and "
                f"for s3://. Set TIP_LAKE to one of these."
            )
        bucket, _, key = self._full(path).partition("/")
        return _s3_operation(filesystem, method, bucket, key, arguments)


def _s3_operation(filesystem: Any, method: str, bucket: str, key: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError
    from fsspec.asyn import sync

    async def call() -> dict[str, Any]:
        client = await filesystem.set_session()
        answer: dict[str, Any] = await getattr(client, method)(Bucket=bucket, Key=key, **arguments)
        if "Body" in answer:
            answer["data"] = await answer["Body"].read()
        return answer

    try:
        result: dict[str, Any] = sync(filesystem.loop, call)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in {"NoSuchKey", "404"}:
            raise MissingError(f"Nothing lies at s3://{bucket}/{key}.") from None
        # 409: two conditional writes at once; S3 asks the loser to look again.
        if status in {409, 412}:
            raise ConflictError(f"s3://{bucket}/{key} was written by somebody else.") from None
        raise LakeError(f"{method} of s3://{bucket}/{key} failed: {error}") from error
    except BotoCoreError as error:
        raise LakeError(f"{method} of s3://{bucket}/{key} failed: {error}") from error
    return result


def _replace(target: Path, data: bytes) -> None:
    """Write aside, flush to the disk, rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _modified(info: dict[str, Any]) -> datetime:
    value = info.get("mtime", info.get("LastModified"))
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromtimestamp(float(value or 0), UTC)
