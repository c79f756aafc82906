"""Other Pythons of this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def python_of_version(version: str) -> str | None:
    """An interpreter of this version that really runs, wherever the machine keeps it."""
    places = [shutil.which(f"python{version}")]
    places += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for place in places:
        if place and subprocess.run([place, "-c", "pass"], capture_output=True, check=False).returncode == 0:
            return place
    return None
