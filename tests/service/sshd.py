"""A real ssh server on the loopback, with keys and a configuration of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Sshd", "sshd"]


@dataclass(frozen=True)
class Sshd:
    """A server on the loopback, with keys of its own.

    Attributes:
        command: the client's command, up to the host.
        pid: of the server.
    """

    command: list[str]
    pid: int


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """An ssh server for this user only."""
    server = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if server is None or shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh, sshd and ssh-keygen: apt-get install openssh-server")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where a server that runs as root separates privileges
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host_key = (folder / "host.pub").read_text().split()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'authorized'}\n"
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        f"PidFile {folder / 'pid'}\n"
    )
    process = subprocess.Popen([server, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    options = ["-F", "/dev/null", "-i", str(folder / "user"), "-p", str(port), "-o", "IdentitiesOnly=yes"]
    options += ["-o", f"UserKnownHostsFile={folder / 'known'}", "-o", "BatchMode=yes"]
    command = ["ssh", *options, f"{getpass.getuser()}@127.0.0.1"]
    try:
        end = time.monotonic() + 20
        while (run := subprocess.run([*command, "true"], capture_output=True, text=True, check=False)).returncode:
            if process.poll() is not None or time.monotonic() > end:
                pytest.skip(f"no ssh server can be run here: {run.stderr.strip()}")
            time.sleep(0.1)
        yield Sshd(command, process.pid)
    finally:
        process.terminate()
        process.wait()
