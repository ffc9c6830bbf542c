"""`released/manifest.json`: which arms are live, with which weight, and the files that each is made of.

Written by a release and by nobody else; here it is read and everything that cannot be meant is refused at once. The
files it names are opened in `released`.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

WEIGHTS_MAY_MISS = 1e-6

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_SEGMENT = r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*"  # none begins with a dot, so no path climbs
LakePath = Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}(/{_SEGMENT})+$", max_length=500)]


class ManifestError(ValueError):
    """A manifest that cannot be meant; lists every fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The released manifest cannot be used: " + "; ".join(faults))
        self.faults = faults


class Role(StrEnum):
    """What an arm is there for."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"
    """Scores what others answered, and is never shown."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Strict):
    """A file of the lake and what it must hold."""

    path: LakePath
    sha256: Sha256


class Artifact(File):
    """A file that is known by a version of its own."""

    version: Name


class ModelArtifact(Artifact):
    """A reward model."""

    contract_hash: Name


class PolicyArtifact(Artifact):
    """The state of a policy."""

    contract_hash: Name | None = None
    """Of `policy_context`; must be there where the policy reads a context."""


class Arm(_Strict):
    """One combination of reward model and policies. What is null is the documented default."""

    name: Name
    role: Role
    weight: Annotated[float, Field(ge=0, le=1)]
    """Share of all users that see this arm. A shadow scores every request that its queue has room for, whatever stands
    here."""
    model: ModelArtifact | None
    policy: PolicyArtifact | None
    prompt_policy: PolicyArtifact | None


class Manifest(_Strict):
    """One release, the order of its arms included: users are dealt along it."""

    version: Name
    created_at: AwareDatetime
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=50)]
    example: File | None
    seed: Name = "release"
    """Deals users to arms. Keep it while one rollout grows; a new one deals the users anew."""

    @property
    def live(self) -> tuple[Arm, ...]:
        """The arms that users see, the champion first."""
        seen = [arm for arm in self.arms if arm.role is not Role.SHADOW]
        return tuple(sorted(seen, key=lambda arm: arm.role is not Role.CHAMPION))

    @property
    def shadows(self) -> tuple[Arm, ...]:
        """The arms that nobody sees."""
        return tuple(arm for arm in self.arms if arm.role is Role.SHADOW)


def parse(data: bytes) -> Manifest:
    """The manifest that `data` holds.

    Raises:
        ManifestError: it is no JSON, has fields of another kind, or its arms do not fit one another; all faults.
    """
    try:
        manifest = Manifest.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise ManifestError(
            [f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()]
        ) from None
    if faults := list(_faults(manifest)):
        raise ManifestError(faults)
    return manifest


def _faults(manifest: Manifest) -> Iterator[str]:
    names = [arm.name for arm in manifest.arms]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        yield f"arms repeat: {', '.join(repeated)}"
    n_champions = sum(arm.role is Role.CHAMPION for arm in manifest.arms)
    if n_champions != 1:
        yield f"{n_champions} arms are champion, expected one"
    total = math.fsum(arm.weight for arm in manifest.live)
    if abs(total - 1) > WEIGHTS_MAY_MISS:
        yield f"the weights of champion and challengers sum to {total:g}, expected 1"
