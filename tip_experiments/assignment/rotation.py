"""Prompt versions in rotation: a setting such as `v1,v2,v3`, of which each user sees one and keeps it."""

from tip_experiments.assignment.hashing import fnv1a32


def parse_rotation(setting: str) -> tuple[str, ...]:
    """The versions that `setting` names, in its order.

    Args:
        setting: one version or several with commas between them, as in the variable TIP_PROMPT_VERSION; blanks
            around a version do not count.

    Raises:
        ValueError: a version is empty or named twice; all faults at once.
    """
    versions = tuple(version.strip() for version in setting.split(","))
    faults = [f"entry {index} is empty" for index, version in enumerate(versions, 1) if not version]
    repeated = sorted({version for version in versions if version and versions.count(version) > 1})
    faults += [f"{version} is named {versions.count(version)} times" for version in repeated]
    if faults:
        raise ValueError(
            f"Prompt versions cannot be rotated among {setting!r}: {'; '.join(faults)}. Expected one version, or "
            "different ones with commas between them"
        )
    return versions


def rotated_prompt(setting: str, user_id: str) -> str:
    """The one of the versions in `setting` that the user sees, each with the same probability.

    The order in `setting` does not matter. Where a version is added, only the users who get it change; where one is
    removed, only those who had it.

    Args:
        setting: see `parse_rotation`.
        user_id: not empty.

    Raises:
        ValueError: `setting` cannot be parsed, or `user_id` is empty.

    Source:
        Thaler & Ravishankar (1998), highest random weight, with a user's weight for a version being the 32-bit hash
        of hash version 2 over both.
    """
    if not user_id:
        raise ValueError(f"No prompt version can be chosen from {setting!r}: the user id is empty")
    return max(parse_rotation(setting), key=lambda version: (_weight(version, user_id), version))


def _weight(version: str, user_id: str) -> int:
    # The inner hash keeps what versions have in common, the outer one takes it apart; the length keeps pairs distinct.
    return fnv1a32(str(fnv1a32(f"{len(version)}:{version}:{user_id}")))
