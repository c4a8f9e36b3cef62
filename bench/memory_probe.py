"""gpcli, which writes its peak memory into a file: `python -m bench.memory_probe FILE WORD...`."""

import re
import sys
from pathlib import Path

from gpcli.__main__ import main


def read_peak() -> int:
    """Return the most memory that this process has had so far, in kilobytes (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak)


if __name__ == "__main__":
    file = Path(sys.argv.pop(1))
    try:
        main()
    finally:
        file.write_text(str(read_peak()), encoding="utf-8")
