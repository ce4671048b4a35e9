"""The reference server, which says on SIGUSR1 what it has open: a line of JSON on stdout. `test_churn` starts it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from streamvet_server.__main__ import main


def count(*_signal: Any) -> None:
    """Print the number of tasks and of open files, and the memory in use."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    counted = {
        "tasks": len(asyncio.all_tasks()),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "memory_kib": pages * os.sysconf("SC_PAGESIZE") // 1024,
    }
    print(json.dumps(counted), flush=True)  # noqa: T201 -- what it is asked for


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count)
    sys.exit(main())
