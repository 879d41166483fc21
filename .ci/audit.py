"""Look for known vulnerabilities in the versions of constraints.txt, as far as that works offline.

``pip check`` always runs. pip-audit runs in an environment of its own where the database of
advisories (osv.dev) can be reached; where not, that is said and is no failure. Nothing waits long.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ADVISORIES = ("api.osv.dev", 443)
PATIENCE = 300
"""Seconds for pip-audit, and for installing it."""


def reachable() -> str | None:
    """Why the advisories cannot be reached; ``None`` if they can."""
    try:
        with socket.create_connection(ADVISORIES, timeout=5):
            return None
    except OSError as error:
        return f"{ADVISORIES[0]} cannot be reached ({error})"


def audit() -> int:
    """The exit code of pip-audit; 0 where it cannot run."""
    if (why := reachable()) is not None:
        print(f"known vulnerabilities: skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        pinned = Path(__file__).parent.parent / "constraints.txt"
        try:
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "pip-audit"],
                check=True,
                timeout=PATIENCE,
            )
            done = subprocess.run(
                [python, "-m", "pip_audit", "--vulnerability-service", "osv", "--no-deps",
                 "--disable-pip", "--progress-spinner", "off", "--requirement", str(pinned)],
                check=False, timeout=PATIENCE, capture_output=True, text=True,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            print(f"known vulnerabilities: skipped: pip-audit does not run ({error})")
            return 0
    print(done.stdout + done.stderr)
    found = "known vulnerabilit" in (done.stdout + done.stderr) and "No known" not in done.stderr
    if done.returncode and not found:
        print("known vulnerabilities: skipped: pip-audit failed, see above")
        return 0
    return done.returncode


def main() -> int:
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], check=False, timeout=PATIENCE)
    return checked.returncode or audit()


if __name__ == "__main__":
    sys.exit(main())
