"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegemo.errors import ConfigError

_NO_ROOM = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The quota of the disk is used up",
    errno.EFBIG: "The largest size that a file may have is reached",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file under another name and move it to its own when it is complete.

    Parameters
    ----------
    path : Path
        The file to write or replace; its folder is made where it is missing.

    Yields
    ------
    partial : Path
        Where to write, in the same folder and with the same suffix. It is removed if the block fails.

    Raises
    ------
    ConfigError
        If there is no room for it, or a folder lies in its place.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: a folder lies where a file is to be written; move it away.")
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        partial.chmod(0o666 & ~_umask())  # mkstemp makes private files
        partial.replace(path)
    except Exception as error:
        reason = why_no_room(error)
        if not reason:
            raise
        raise ConfigError(
            f"{reason}: {path.name} did not fit into {path.parent}, and nothing of it was kept. Free some space, or "
            "name another folder; what was finished before is still there."
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def why_no_room(error: BaseException | None) -> str:
    """Say why what was written found no room.

    Parameters
    ----------
    error : exception | None
        That came of it, or of what was tried after it.

    Returns
    -------
    reason : str
        Empty where something else is wrong.
    """
    if error is None:
        return ""
    own = _NO_ROOM.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    return own or why_no_room(error.__cause__ or error.__context__)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
