"""The contract of adapters that read files as streams: the laws of the adapter port, and those of a stream."""

import tracemalloc
from functools import partial
from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO

from xinqiao.adapter import FileAdapter
from xinqiao.testing.adapter_contract import AdapterContract
from xinqiao.testing.io_watch import FILES, NETWORK, watched
from xinqiao.testing.observed import During, read, require
from xinqiao.testing.samples import Sample
from xinqiao.testing.strain import altered, cuts, foreign

__all__ = ["FileAdapterContract"]

# Larger than the blocks that files are read in, small enough to be read in seconds.
_SMALL = 2 * 2**20
_LARGE = 3 * _SMALL
_PROBE = 1000


class FileAdapterContract(AdapterContract):
    """The laws of ``xinqiao.adapter.FileAdapter``. A subclass gives ``adapter``, ``samples`` and ``write_file``."""

    def adapter(self) -> FileAdapter:
        """Return a new adapter."""
        raise NotImplementedError("adapter() of the contract's subclass returns the adapter under test")

    def write_file(self, file: BinaryIO, records: int) -> str:
        """Write a valid file of so many records, and return its content type."""
        raise NotImplementedError("write_file() of the contract's subclass writes a file of so many records")

    def test_a_file_reads_as_its_bytes(self, incoming: Sample) -> None:
        """The sample and all that damages it give the same messages and the same refusal either way."""
        damages = (foreign(incoming.content), cuts(incoming.content), altered(incoming.content))
        for what, raw in (("nothing changed", incoming.content), *(each for found in damages for each in found)):
            with During(f"{incoming.name}: {what}"):
                whole = read(partial(self.adapter().decode, raw, incoming.content_type))
                stream = read(partial(self.adapter().decode_file, BytesIO(raw), incoming.content_type))
                said = "decode_file and decode do not give the same"
                require((whole.told, whole.reason) == (stream.told, stream.reason), said)

    def test_a_file_is_read_without_other_io(self, incoming: Sample) -> None:
        """Nothing is opened but the file that is given."""
        adapter = self.adapter()
        for kinds in (NETWORK, NETWORK + FILES):
            with watched(kinds) as seen:
                read(lambda: adapter.decode_file(BytesIO(incoming.content), incoming.content_type))
            require(not seen, f"{incoming.name}: decode_file does I/O of its own: {', '.join(seen)}")

    def test_memory_does_not_grow_with_the_file(self) -> None:
        """What Python allocates for a file three times as large (6 MiB) grows by less than half of the difference."""
        (small, least), (large, most) = (self._read_to_the_end(size) for size in (_SMALL, _LARGE))
        said = f"reading {small} bytes takes {least} bytes of memory, reading {large} takes {most}"
        require(most - least < (large - small) // 2, said)

    def test_the_position_says_how_far_the_reading_is(self) -> None:
        """The first record of a large file comes before half of it is read; at the end all of it is."""
        with TemporaryFile() as file:
            content_type, size = self._write(file, _LARGE)
            records = iter(self.adapter().decode_file(file, content_type))
            next(records)
            require(file.tell() < size // 2, f"{file.tell()} of {size} bytes are read for the first record")
            for _ in records:
                """Read on."""
            require(file.tell() == size, f"{file.tell()} of {size} bytes are read at the end")

    def _read_to_the_end(self, wanted: int) -> tuple[int, int]:
        """Read a file of about the size wanted; return its size and the most memory taken meanwhile, in bytes."""
        with TemporaryFile() as file:
            content_type, size = self._write(file, wanted)
            tracemalloc.start()
            try:
                for _ in self.adapter().decode_file(file, content_type):
                    """Nothing is kept."""
                return size, tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    def _write(self, file: BinaryIO, wanted: int) -> tuple[str, int]:
        """Write a file of about the size wanted, and go to its start; return its content type and size in bytes."""
        with BytesIO() as probe:
            self.write_file(probe, _PROBE)
            records = wanted * _PROBE // probe.tell() + 1
        content_type = self.write_file(file, records)
        size = file.tell()
        file.seek(0)
        return content_type, size
