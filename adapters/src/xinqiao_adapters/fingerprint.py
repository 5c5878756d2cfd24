"""Short digests of what a profile says: they change with it, and with nothing else."""

import hashlib
from pathlib import Path

import orjson

from xinqiao_adapters.profile import Profile

__all__ = ["file_fingerprint", "profile_fingerprint"]


def file_fingerprint(path: Path) -> str:
    """Return a file's name and 12 digits of its content, wherever it stands."""
    return f"{path.name} ({hashlib.sha256(path.read_bytes()).hexdigest()[:12]})"


def profile_fingerprint(profile: Profile) -> str:
    """Return 16 digits that stand for all that a profile says, and for the XSDs that it names."""
    said = profile.model_dump(mode="json", by_alias=True)
    said["format"].pop("xsd", None)  # each interface has it as well
    for interface in said["interfaces"].values():
        if interface["format"].get("xsd"):
            interface["format"]["xsd"] = file_fingerprint(Path(interface["format"]["xsd"]))
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
