"""Moving a file of this machine from folder to folder, so that nothing is ever replaced."""

import ctypes
import errno
import os

__all__ = ["move"]

# Of Linux since 3.15; Python has no name for it.
_RENAME = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
_NO_REPLACE = 1


def move(source: int, before: str, target: int, after: str) -> None:
    """Rename a file below a folder to a name below another, both open, and make that durable.

    Raises ``FileExistsError``. Where the disk cannot rename without replacing, a link does it, which a crash may leave
    under both names. A link alone would not do: a system may forbid links to files of other users, which are what
    partners upload.
    """
    if not _renamed(source, before, target, after):
        os.link(before, after, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.fsync(target)
        os.unlink(before, dir_fd=source)
    os.fsync(target)
    os.fsync(source)


def _renamed(source: int, before: str, target: int, after: str) -> bool:
    """Rename at once; False where system or disk cannot."""
    if _RENAME is None:
        return False
    if _RENAME(source, os.fsencode(before), target, os.fsencode(after), _NO_REPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.EINVAL, errno.ENOSYS}:
        return False
    raise OSError(code, os.strerror(code), after)
