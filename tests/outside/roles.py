"""Schemathesis, with all its checks, against a real daemon: as viewer, as operator, as admin.

    python3 roles.py [SECONDS]      how long for each role

Needs `st` on the PATH (requirements.txt). Ends with 1 when it finds anything.
"""

import os
import subprocess
import sys

import rig

DOCUMENT = rig.Path(__file__).parents[2] / "openapi/pmdaemon.json"

# Each with the reason why it is not called here, and with tests of its own in tests/.
NOT_CALLED = (
    # They end the server, or have another program take its place.
    "/api/v1/system/shutdown",
    "/api/v1/system/upgrade",
    # They never end.
    "/api/v1/system/requests",
    "/api/v1/system/listeners/temporary",
    # They end the credential that all further calls are made with.
    "/api/v1/auth/logout",
    "/api/v1/tokens/{id}",
    # Answers 502 for a receiver that is away, as all receivers here are.
    "/api/v1/forwards/{name}/test",
)


def check(server: rig.Server, role: str, seconds: int) -> bool:
    """Whether nothing was found."""
    excluded = [word for path in NOT_CALLED for word in ("--exclude-path", path)]
    done = subprocess.run(
        [
            "st", "run", str(DOCUMENT), "--url", server.url, *excluded,
            "-H", f"Authorization: Bearer {server.tokens[role]}",
            "--checks", CHECKS, "--max-time", str(seconds), "--max-examples", "20",
            "--request-timeout", "20", "--no-color", "--continue-on-failure",
        ],
        cwd=server.directory, env={**os.environ, "NO_PROXY": "127.0.0.1"}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if done.returncode != 0:
        print(done.stdout)
    print(f"schemathesis as {role}: {'found nothing' if done.returncode == 0 else 'FAILED'}")
    return done.returncode == 0


CHECKS = os.environ.get("CHECKS", "all")


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    found_nothing = []
    for role in ("viewer", "operator", "admin"):
        with rig.server() as server:
            server.some_apps()
            found_nothing.append(check(server, role, seconds))
    return 0 if all(found_nothing) else 1


if __name__ == "__main__":
    sys.exit(main())
