"""Arms that fail on requests: each kind of failure is told once, since a broken model breaks on every request."""

import logging

from tip_serving.scoring.arms import ReadyArm, Release

_LOG = logging.getLogger(__name__)


class Failures:
    """What was told already, in one process."""

    def __init__(self) -> None:
        self._told: set[tuple[str | None, str, str]] = set()

    def kind(self, release: Release, arm: ReadyArm, error: Exception | None) -> str | None:
        """The kind of `error`, logged with where it happened when it is new in this release; None for no error."""
        if error is None:
            return None
        kind = type(error).__name__
        if (release.version, arm.name, kind) not in self._told:
            self._told.add((release.version, arm.name, kind))
            _LOG.error("Arm %s of %s failed: %s. The default serves.", arm.name, release.version, kind, exc_info=error)
        return kind
