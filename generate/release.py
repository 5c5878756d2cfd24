"""What a release of the standard freezes, and whether this version still keeps to the last one.

``schemas/released/<version>/``: the descriptor image that ``buf breaking`` reads, the JSON Schemas with their
constraints, the levels of the rules, and the requirements. ``python -m generate release 1.0.0`` writes it
when the version is tagged.
"""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import yaml

from generate import ROOT
from generate.compatibility import breaks, changed_requirements, lost_codes, stricter_rules
from generate.image import write_image

RELEASED = ROOT / "schemas" / "released"

_IMAGE = "image.binpb.gz"
_SCHEMAS = "schemas.json.gz"
_RULES = "rules.json"
_CODES = "codes.json"
_REQUIREMENTS = "requirements.yaml"
_PRESENT_REQUIREMENTS = ROOT / "schemas" / "requirements" / "1.0.yaml"


def write_release(version: str) -> None:
    """Freeze the present standard under a version; raise ``FileExistsError`` where that is frozen already."""
    image = write_image(source_info=False).read_bytes()
    write_image()  # the one with source info again, for whoever reads it next
    folder = RELEASED / version
    folder.mkdir(parents=True)
    _compress(image, folder / _IMAGE)
    _compress(orjson.dumps(_schemas(), option=orjson.OPT_SORT_KEYS), folder / _SCHEMAS)
    (folder / _RULES).write_bytes(orjson.dumps(_rules(), option=orjson.OPT_APPEND_NEWLINE))
    (folder / _CODES).write_bytes(orjson.dumps(_codes(), option=orjson.OPT_APPEND_NEWLINE))
    shutil.copy(_PRESENT_REQUIREMENTS, folder / _REQUIREMENTS)


def _compress(content: bytes, path: Path) -> None:
    # Without a time in its header the file depends on its content alone.
    path.write_bytes(gzip.compress(content, mtime=0))


def _schemas() -> dict[str, dict[str, object]]:
    folder = ROOT / "schemas" / "json" / "v1"
    return {
        path.name.removesuffix(".schema.json"): orjson.loads(path.read_bytes())
        for path in sorted(folder.glob("*.schema.json"))
    }


def _codes() -> dict[str, list[str]]:
    folder = ROOT / "schemas" / "codes"
    return {path.stem: sorted(orjson.loads(path.read_bytes())["codes"]) for path in sorted(folder.glob("*.json"))}


def _rules() -> dict[str, dict[str, object]]:
    folder = ROOT / "schemas" / "requirements" / "rules"
    entries = [entry for path in folder.glob("*.json") for entry in orjson.loads(path.read_bytes())]
    return {
        entry["id"]: {
            "level": entry["level"],
            "onFact": entry.get("onFact", entry["level"]),
            "appliesTo": entry["appliesTo"],
        }
        for entry in sorted(entries, key=lambda each: each["id"])
    }


def _requirements(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(path.read_text(encoding="utf-8"))["requirements"]
    return found


def last_release() -> Path | None:
    """Return the folder of the last frozen version, None before the first."""
    versions = sorted((each for each in RELEASED.glob("*") if each.is_dir()), key=_order)
    return versions[-1] if versions else None


def _order(folder: Path) -> tuple[list[int], bool, int]:
    """A candidate (1.0.0-rc.1) comes before its version (1.0.0)."""
    version, _, candidate = folder.name.partition("-rc.")
    return [int(part) for part in version.split(".")], not candidate, int(candidate or 0)


def compare() -> int:
    """Compare with the last release; print what breaks it and return the exit status."""
    last = last_release()
    if last is None:
        raise FileNotFoundError(f"{RELEASED} holds no release to compare with")
    status = _buf_breaking(last / _IMAGE)
    found = [
        *breaks(orjson.loads(gzip.decompress((last / _SCHEMAS).read_bytes())), _schemas()),
        *stricter_rules(orjson.loads((last / _RULES).read_bytes()), _rules()),
        *lost_codes(orjson.loads((last / _CODES).read_bytes()), _codes()),
        *changed_requirements(_requirements(last / _REQUIREMENTS), _requirements(_PRESENT_REQUIREMENTS)),
    ]
    for each in found:
        print(f"{each} (released in {last.name})")
    return status or bool(found)


def _buf_breaking(image: Path) -> int:
    buf = Path(sys.executable).parent / "buf"
    config = ROOT / "schemas" / "buf.yaml"
    command = [str(buf), "breaking", str(write_image()), "--against", str(image), "--config", str(config)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 -- our own arguments
