"""Samples of JR/T 0017: files of fixed width that say their own layout."""

from typing import Any

from xinqiao_adapters.formats.ofd.dictionary import dictionary
from xinqiao_adapters.formats.ofd.header import VALUES
from xinqiao_adapters.onboarding.sample import About, Node
from xinqiao_adapters.onboarding.words import words

__all__ = ["ofd_names", "ofd_tree"]


def ofd_tree(text: str, encoding: str, into: Node) -> dict[str, Any] | None:
    """Lay a data file of JR/T 0017 over a tree; return its format, None where its header is not whole."""
    lines = text.splitlines()
    values = [line.strip() for line in lines[1:9]]
    if len(lines) < 12 or not lines[9].strip().isdigit():
        return None
    count = int(lines[9])
    names = [line.strip() for line in lines[10 : 10 + count]]
    fields = [dictionary().field(name) for name in names]
    for name, value in zip(VALUES, values, strict=False):
        into.child("File").child(name).say(value)
    record = into.child("Record")
    record.repeats = True
    codec = "utf-8" if encoding == "UTF-8" else "gb18030"
    for line in lines[11 + count :]:
        if line.strip() == "OFDCFEND":
            break
        rest = line.encode(codec)
        for field in fields:
            if field is None:
                return None
            record.child(field.name).say(_read(rest[: field.width].decode(codec, "replace"), field.decimals))
            rest = rest[field.width :]
    for field in fields:
        if field is None:
            return None
        record.child(field.name).holds_text = True
        record.child(field.name).about = About(field.meaning, field.type, str(field.width))
    return {"kind": "ofd", "encoding": "GB18030", "file": values[5], "version": _version(values[0])}


def ofd_names(top: Node) -> tuple[str, ...]:
    """Return what a file of JR/T 0017 is: the title of its type, and of the business codes of its records."""
    (code,) = top.children["File"].children["FileType"].texts or [""]
    kind = dictionary().files.get(code)
    business = top.children["Record"].children.get("BusinessCode")
    said = (words().business.get(each, "") for each in (business.texts if business else ()))
    published = words().published.get(f"ofd.{code}", "")
    return (kind.title if kind else "", published, *dict.fromkeys(each for each in said if each))


def _version(said: str) -> str:
    return said if said in ("21", "22") else "20"


def _read(text: str, decimals: int) -> str:
    """Return a value as a person reads it; digits get their implied point."""
    text = text.strip()
    if not decimals or not text.isdigit():
        return text
    text = text.lstrip("0").rjust(decimals + 1, "0")
    return f"{text[:-decimals]}.{text[-decimals:]}"
