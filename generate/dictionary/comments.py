"""What the proto files say in comments."""

import re
from collections.abc import Mapping
from functools import cache

from generate import PROTO
from generate.dictionary.markdown import escape

_COMMENT = re.compile(r"((?:^ *//.*\n)+) *(message(?= )|)\s*([A-Za-z0-9_]+)(?: =| \{)", re.MULTILINE)


@cache
def comments() -> Mapping[str, str]:
    """Return what the proto files say, in English, above ``message NAME`` and above a value: ``FILE NAME``."""
    found = {}
    for path in sorted(PROTO.rglob("*.proto")):
        for said, word, name in _COMMENT.findall(path.read_text(encoding="utf-8")):
            words = re.sub(r"^ *// ?", "", said, flags=re.MULTILINE).split()
            found[f"{word or path.stem} {name}"] = escape(" ".join(words))
    return found
