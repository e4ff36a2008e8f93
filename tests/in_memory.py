"""Where the tests keep their files: in memory, where there is enough of it, for databases are made there quickest.

The servers' settings stay those of a real hub, fsync and all. The long proofs, which write up to 10 GB, stay on disk.
"""

import os
import shutil
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
QUICK = {"unit", "integration", "e2e"}
NEEDED_BYTES = 8 * 2**30
ROOT = "PYTEST_DEBUG_TEMPROOT"
"""The environment variable by which pytest is told where temporary folders go."""


def pytest_configure(config: pytest.Config) -> None:
    """Put temporary folders into memory, unless somebody has said where they go."""
    long = not all(QUICK & set(Path(argument.split("::")[0]).parts) for argument in config.args)
    if ROOT not in os.environ and not long and _is_large(MEMORY):
        os.environ[ROOT] = str(MEMORY)


def database_strategy() -> str:
    """How `CREATE DATABASE` is quickest: in memory files are copied, on disk that would wait for two checkpoints."""
    return "FILE_COPY" if os.environ.get(ROOT) == str(MEMORY) else "WAL_LOG"


def _is_large(folder: Path) -> bool:
    """Whether there is room, and programs may be run from there."""
    if not folder.is_dir() or not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free >= NEEDED_BYTES
