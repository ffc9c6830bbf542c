"""What was trained last under each registered name: the one place that later steps of training look at.

models/<name>/trained.json    replaced by every training; the files that it names are never changed
"""

import datetime as dt
import hashlib

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.scoring.manifest import Artifact, ModelArtifact, Name, PolicyArtifact
from tip_serving.training.candidate import REWARD_MODEL, DataWindow


class Kept(Artifact):
    """A file of either kind, as it was written."""

    contract_hash: Name | None


class Trained(BaseModel):
    """The latest version under a registered name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Name
    artifact: Kept
    at: AwareDatetime
    days: tuple[dt.date, ...]
    """The UTC days that were looked at."""
    data: DataWindow | None
    calibrated_since: AwareDatetime | None
    """Where the rows begin that a model's calibration and the choice of a policy rest on."""
    untouched_since: AwareDatetime | None
    """Where the rows begin that nothing of it rests on."""
    registered: Name | None
    """The version that the model registry knows; null until it is registered."""

    @property
    def model(self) -> ModelArtifact:
        """As a manifest names a reward model."""
        return ModelArtifact.model_validate(self.artifact.model_dump())

    @property
    def policy(self) -> PolicyArtifact:
        """As a manifest names a policy."""
        return PolicyArtifact.model_validate(self.artifact.model_dump())


def keep_model(lake: Lake, content: bytes, version: str, contract_hash: str) -> Kept:
    """Write the file of a reward model; what a manifest says of it."""
    path = layout.reward_model(REWARD_MODEL, version)
    lake.write(path, content)
    return Kept(path=path, sha256=_digest(content), version=version, contract_hash=contract_hash)


def keep_policy(lake: Lake, content: bytes, version: str, contract_hash: str | None) -> Kept:
    """Write the state of a policy; what a manifest says of it."""
    path = layout.policy(version)
    lake.write(path, content)
    return Kept(path=path, sha256=_digest(content), version=version, contract_hash=contract_hash)


def write_trained(lake: Lake, trained: Trained) -> None:
    """Keep it as the latest of its name."""
    lake.write(layout.trained(trained.name), trained.model_dump_json(indent=2).encode())


def read_trained(lake: Lake, name: str) -> Trained | None:
    """The latest of this name; None where nothing was trained."""
    try:
        return Trained.model_validate_json(lake.read(layout.trained(name)))
    except MissingError:
        return None


def forget_trained(lake: Lake, name: str) -> None:
    """Nothing of this name is there to be released any more."""
    lake.delete(layout.trained(name))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
