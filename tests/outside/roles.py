"""Schemathesis, with all its checks, against a real daemon: as viewer, as operator, as admin.

    python3 roles.py [SECONDS] [ROLE…]      how long for each role

Needs `st` on the PATH (requirements.txt). Ends with 1 when it finds anything. PMDAEMON_SEED=n has it
make up other requests.
"""

import os
import subprocess
import sys
from pathlib import Path

import rig

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "openapi/pmdaemon.json"

# Not called, each with its reason; they have tests of their own in tests/.
BY_NOBODY = (
    # They never end.
    "/api/v1/system/requests",
    "/api/v1/system/listeners/temporary",
    # They end the credential that all further calls are made with.
    "/api/v1/auth/logout",
    "/api/v1/tokens/{id}",
)
NOT_BY_ADMIN = (
    # They end the server, or have another program take its place.
    "/api/v1/system/shutdown",
    "/api/v1/system/upgrade",
)
# In their place there are checks of our own (judgement.py): the same, but for what no schema can foretell.
REPLACED = "positive_data_acceptance,negative_data_rejection,not_a_server_error"


# What is tried, each with its share of the time: every example and every bound of every value; anything;
# and one request after another, with what the earlier one answered.
PHASES = {"examples,coverage": 0.5, "fuzzing": 0.25, "stateful": 0.25}


def check(server: rig.Server, role: str, phases: str, seconds: int, seed: str) -> bool:
    """Whether something was tried and nothing was found."""
    not_called = BY_NOBODY + (NOT_BY_ADMIN if role == "admin" else ())
    done = subprocess.run(
        [
            "st", "run", str(DOCUMENT), "--url", server.url,
            *(word for path in not_called for word in ("--exclude-path", path)),
            "-H", f"Authorization: Bearer {server.tokens[role]}",
            "--phases", phases, "--checks", "all", "--exclude-checks", REPLACED,
            "--seed", seed, "--max-time", str(seconds), "--request-timeout", "20",
            "--continue-on-failure", "--no-color", "--warnings", "off", "--generation-database", "none",
        ],
        cwd=server.directory, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "SCHEMATHESIS_HOOKS": str(HERE / "judgement.py")},
    )
    counted = [line.strip() for line in done.stdout.splitlines() if " generated" in line]
    well = done.returncode == 0 and bool(counted)
    if not well:
        print(done.stdout)
    outcome = "found nothing" if well else "FAILED"
    told = counted[0] if counted else "nothing was tried"
    print(f"schemathesis as {role}, {phases}, {seconds} s, seed {seed}: {outcome}; {told}", flush=True)
    return well


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    seed = os.environ.get("PMDAEMON_SEED", "1")
    roles = sys.argv[2:] or ["viewer", "operator", "admin"]
    rig.own_network()
    found_nothing = []
    for role in roles:
        with rig.server() as server:
            server.some_apps()
            for phases, share in PHASES.items():
                found_nothing.append(check(server, role, phases, round(seconds * share), seed))
    return 0 if all(found_nothing) else 1


if __name__ == "__main__":
    sys.exit(main())
