"""How an XML document begins: told from its first bytes, without a parser, where several formats ask."""

import re

__all__ = ["is_markup", "may_begin"]

_BLANK = b"\xef\xbb\xbf\x84\x31\x95\x33 \t\r\n"
_HEAD = 1 << 16
# No byte of a character of GBK or GB18030 is one of these marks.
_FIRST = re.compile(
    rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<(?:([^\s<>/!?:\"']+):)?([^\s<>/!?:\"']+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)>",
    re.DOTALL,
)


def is_markup(head: bytes) -> bool:
    """Whether bytes begin with markup."""
    return head.lstrip(_BLANK)[:1] == b"<"


def may_begin(head: bytes, root: str, siblings: bool) -> bool:
    """Whether a document that begins with these bytes may have a root (a Clark name), or one side by side with others.

    Says yes where the bytes are too few to tell.
    """
    if not is_markup(head):
        return False
    uri, _, local = root.rpartition("}")
    name, namespace = local.encode(), uri[1:].encode()
    if siblings:
        return len(head) >= _HEAD or (name in head and namespace in head)
    first = _FIRST.match(head.lstrip(_BLANK))
    if first is None or not first[2].isascii() or not local.isascii():
        return True
    prefix = b"xmlns:" + first[1] if first[1] else b"xmlns"
    said = re.search(rb"\s" + re.escape(prefix) + rb"\s*=\s*[\"']([^\"']*)", first[3])
    declared = said[1] if said is not None else b""
    return first[2] == name and (declared == namespace or b"&" in declared)
