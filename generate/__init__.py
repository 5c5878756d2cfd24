"""Makes every face of the standard from ``schemas/proto`` (``make generate``). Not distributed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "schemas" / "proto"
SDK = ROOT / "sdk" / "src" / "xinqiao"
BUILD = ROOT / "build"

__all__ = ["BUILD", "PROTO", "ROOT", "SDK"]
