"""What is served now: a new manifest is noticed by polling, loaded aside and swapped in by one assignment.

A release that cannot be loaded is refused with all its reasons, and what was served before stays.
"""

import asyncio
import datetime as dt
import hashlib
import logging
import threading
import time
from typing import NamedTuple

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError, MissingError
from tip_serving.scoring.arms import UNRELEASED, Release
from tip_serving.scoring.loading import ReleaseError, load
from tip_serving.scoring.manifest import ManifestError, parse
from tip_serving.scoring.reward_model import RewardModel

_LOG = logging.getLogger(__name__)
_ASK_AGAIN_S = 30.0  # a refused manifest that has not changed: its files may have arrived since


class Refusal(NamedTuple):
    """Why what lies in the lake is not what is served."""

    at: dt.datetime
    reason: str


class Releases:
    """The current release of one process.

    A request takes `current` once and keeps it to its end; the swap is one assignment, so no answer mixes two.

    Args:
        lake: where the manifest lies.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.current: Release = UNRELEASED
        self.refusal: Refusal | None = None
        self._seen: str | None = None
        self._served: str | None = None
        self._ask_again_at = 0.0
        self._looking = threading.Lock()  # who looks second must not put an older release over a newer one

    def refresh(self) -> None:
        """Look at the manifest and serve what it names; blocks on files, so the server calls it in a thread.

        A lake that cannot be read, a manifest that is gone or one that is refused changes nothing but `refusal`.
        """
        try:
            with self._looking:
                self._take(self._lake.read(layout.released_manifest()))
        except MissingError as error:
            if self.current is UNRELEASED:
                self.refusal = None  # of a manifest that lay there before
            else:
                self._refuse(f"{error} What was released before is still served.")
        except (LakeError, ManifestError, ReleaseError) as error:
            self._refuse(str(error))
        except Exception as error:  # noqa: BLE001  whatever a store raises or a file holds, the server goes on
            self._refuse(f"The release could not be looked at: {type(error).__name__}: {error}", error)

    def _take(self, manifest: bytes) -> None:
        digest = hashlib.sha256(manifest).hexdigest()
        if digest == self._served:
            self.refusal = None
            return
        if digest == self._seen and time.monotonic() < self._ask_again_at:
            return
        self._seen, self._ask_again_at = digest, time.monotonic() + _ASK_AGAIN_S
        release = load(self._lake, parse(manifest), self._known_models())
        self.current, self.refusal, self._served = release, None, digest
        _LOG.info("Release %s is served: %s.", release.version, ", ".join(arm.name for arm in release.live))

    async def watch(self, every_s: float) -> None:
        """Refresh every so many seconds until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.refresh)

    def _known_models(self) -> dict[str, RewardModel]:
        arms = (*self.current.live, *self.current.shadows)
        return {arm.model_sha256: arm.model for arm in arms if arm.model is not None and arm.model_sha256 is not None}

    def _refuse(self, reason: str, defect: Exception | None = None) -> None:
        if self.refusal is None or self.refusal.reason != reason:
            still = self.current.version or "the default policy"
            _LOG.error("%s Served is still %s.", reason, still, exc_info=defect)
        self.refusal = Refusal(dt.datetime.now(dt.UTC), reason)
