"""Whether bytes are one small PNG and nothing else: a drawn signature comes from a browser, and is kept as evidence."""

import struct
import zlib

__all__ = ["LARGEST_PNG", "is_plain_png"]

LARGEST_PNG = 65_536
_MAGIC = b"\x89PNG\r\n\x1a\n"
_WIDEST, _HIGHEST, _LEAST = 2400, 1200, 40
# Channels by colour type; of 8 bits each, as every browser's canvas writes.
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
# What a canvas writes beside the image: colours and sizes, never text.
_HARMLESS = frozenset({b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"sBIT", b"iCCP", b"bKGD", b"tRNS"})


def is_plain_png(content: bytes) -> bool:
    """Say whether bytes are a PNG: whole, each part's checksum right, of a fitting size, with nothing behind it."""
    if len(content) > LARGEST_PNG or not content.startswith(_MAGIC):
        return False
    chunks = _chunks(content[len(_MAGIC) :])
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1] != (b"IEND", b""):
        return False
    if any(kind not in _HARMLESS for kind, _ in chunks[1:]):
        return False
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if not (_LEAST <= width <= _WIDEST and _LEAST <= height <= _HIGHEST) or bits != 8 or interlaced:
        return False
    expected = height * (1 + width * _CHANNELS.get(colour, 0))
    return colour in _CHANNELS and _inflates(b"".join(data for kind, data in chunks if kind == b"IDAT"), expected)


def _chunks(left: bytes) -> list[tuple[bytes, bytes]]:
    """Return the parts by kind; none where one is cut, has a wrong checksum, or something follows the end."""
    found: list[tuple[bytes, bytes]] = []
    while len(left) >= 12:
        (size,) = struct.unpack(">I", left[:4])
        kind, data, check = left[4:8], left[8 : 8 + size], left[8 + size : 12 + size]
        if len(check) != 4 or struct.unpack(">I", check)[0] != zlib.crc32(kind + data):
            return []
        found.append((kind, data))
        left = left[12 + size :]
        if kind == b"IEND":
            break
    return [] if left else found


def _inflates(packed: bytes, expected: int) -> bool:
    unpacking = zlib.decompressobj()
    try:
        image = unpacking.decompress(packed, expected + 1)
    except zlib.error:
        return False
    return len(image) == expected and unpacking.eof and not unpacking.unused_data
