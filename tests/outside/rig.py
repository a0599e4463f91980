"""A daemon of its own for programs that speak to it from outside.

What they send is partly random, and defining an app runs a program. So the daemon is nobody's when
we are root, and everything is in one directory, which goes away with it.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(os.environ.get("PMDAEMON_BIN", Path(__file__).parents[2] / "target/debug/pmdaemon"))
NOBODY = 65534
ROLES = ("viewer", "operator", "deployer", "admin")


class Server:
    """A daemon, in a directory of its own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.program = directory / "pmdaemon"
        shutil.copy(PROGRAM, self.program)
        self.environment = {
            "PMDAEMON_HOME": str(directory / "home"),
            "HOME": str(directory),
            "PATH": os.environ["PATH"],
        }
        self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        if self.user:
            os.chown(directory, NOBODY, NOBODY)
        self.tokens: dict[str, str] = {}
        self.url = ""

    def begin(self) -> None:
        """Runs it, with a token for each role."""
        self.tokens = {role: self.run("token", "create", role, "--role", role).split()[-1] for role in ROLES}
        # Not the usual port, which the examples of the description name.
        port = self.call("POST", "/api/v1/system/listeners", {"host": "127.0.0.1", "port": 0})["port"]
        self.url = f"http://127.0.0.1:{port}"

    def run(self, *arguments: str) -> str:
        """Standard output of a command that must succeed."""
        done = subprocess.run(
            [self.program, *arguments], cwd=self.directory, env=self.environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **self.user,
        )
        if done.returncode != 0:
            raise SystemExit(f"{done.stderr}\npmdaemon {' '.join(arguments)} ended with {done.returncode}")
        return done.stdout

    def call(self, method: str, path: str, body: object) -> dict:
        """What the API answers to the administrator, by the first address that it is served at."""
        listener = json.loads(self.run("status", "--json"))["daemon"]["listeners"][0]
        request = urllib.request.Request(
            f"http://{listener['host']}:{listener['port']}{path}", json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.tokens['admin']}", "Content-Type": "application/json"}, method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)

    def some_apps(self) -> None:
        """Apps to look at and to act on."""
        for name in ("web", "worker"):
            self.run("start", "while :; do echo here I am; sleep 5; done", "--name", name)


def own_network() -> None:
    """From here on there is a loopback device and nothing else, if we are root: what is made up at
    random reaches nobody. The program begins anew in it."""
    if "OWN_NETWORK" in os.environ:
        # SIOCSIFFLAGS, IFF_UP: what `ip link set lo up` does, where there is no `ip`.
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))
    elif os.getuid() == 0:
        os.environ["OWN_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


@contextmanager
def server():
    """A daemon that ends, with all its apps, with the block."""
    # Below /tmp whatever TMPDIR says: the path of a unix socket has 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as directory:
        running = Server(Path(directory))
        try:
            running.begin()
            yield running
        finally:
            running.run("kill")
