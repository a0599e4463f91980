"""Generates clients from the descriptions, compiles them, and has them speak to a real daemon.

TypeScript from the 3.1 document (openapi-typescript, openapi-fetch), checked by tsc; Python from the
3.0 document (openapi-python-client), checked by mypy. Needs node_modules (package.json) and the
programs of requirements.txt on the PATH.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import rig

HERE = Path(__file__).parent
MADE = HERE / "generated"
OPENAPI = HERE.parents[1] / "openapi"
NODE = HERE / "node_modules/.bin"


def run(*words: object, **variables: str) -> str:
    """What a program says that must succeed; shown when it does not."""
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=HERE, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def make() -> None:
    shutil.rmtree(MADE, ignore_errors=True)
    run(NODE / "openapi-typescript", OPENAPI / "pmdaemon.json", "-o", MADE / "pmdaemon.ts")
    run(NODE / "tsc", "--project", HERE / "tsconfig.json")
    run(
        "openapi-python-client", "generate", "--path", OPENAPI / "pmdaemon-3.0.json", "--meta", "none",
        "--output-path", MADE / "python/pmdaemon_api",
    )
    # What the generator's templates get wrong themselves is not ours to report.
    run("mypy", "--no-incremental", "--strict", "--follow-imports=silent", HERE / "round_trip.py", MYPYPATH=str(MADE / "python"))


def main() -> None:
    rig.own_network()
    make()
    with rig.server() as server:
        access = {"URL": server.url, "TOKEN": server.tokens["deployer"]}
        print(run("node", MADE / "compiled/round_trip.js", **access), end="")
        print(run("python3", HERE / "round_trip.py", PYTHONPATH=str(MADE / "python"), **access), end="")


if __name__ == "__main__":
    main()
