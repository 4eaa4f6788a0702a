"""Programs for the PATH that play docker, kind, kubectl and make: they note their calls and answer as a test has it.

The cluster they play keeps its state in files of one folder: which clusters there are, and secrets as kubectl was given
them.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

FAKE = """#!{python}
import base64, json, os, socket, sys, threading
from pathlib import Path

state, name, words = Path({state!r}), Path(sys.argv[0]).name, sys.argv[1:]
line = " ".join([name, *words]).replace("--context kind-detloop ", "").replace("--namespace kubeflow ", "")
given = sys.stdin.read() if words[-2:] == ["--filename", "-"] else ""
with open(state / "calls", "a") as calls:
    calls.write(line + "\\n")
if name == "kubectl":
    assert words[:2] == ["--context", "kind-detloop"], words
    assert words[2] == ("apply" if "apply" in words else "--namespace"), words
failing = (state / "failing").read_text().splitlines() if (state / "failing").exists() else []
if any(line.startswith(one) for one in failing):
    sys.exit("fake: " + line + " fails")
if line.startswith("docker info"):
    print((state / "docker").read_text())
elif line.startswith("kind get clusters"):
    print((state / "clusters").read_text() if (state / "clusters").exists() else "")
elif line.startswith("kind create cluster"):
    (state / "clusters").write_text("detloop")
elif line.startswith("kubectl get secret"):
    path = state / (words[6] + ".json")
    print(path.read_text() if path.exists() else sys.exit("NotFound"))
elif line == "kubectl create --filename -":
    secret = json.loads(given)
    secret["data"] = {{k: base64.b64encode(v.encode()).decode() for k, v in secret.pop("stringData").items()}}
    (state / (secret["metadata"]["name"] + ".json")).write_text(json.dumps(secret))
elif "port-forward" in words:
    service, ports = words[-2].partition("/")[2], words[-1]
    target = int((state / (service + ".port")).read_text())
    listener = socket.create_server(("127.0.0.1", int(ports.split(":")[0])))
    (state / "port-forward.pid").write_text(str(os.getpid()))
    def pipe(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=pipe, args=(near, far), daemon=True).start()
        threading.Thread(target=pipe, args=(far, near), daemon=True).start()
"""
PROGRAMS = ("docker", "kind", "kubectl", "git", "make")
ROOT = Path(__file__).parents[2]


class FakeCluster:
    """A folder with the programs, a folder with the state, and what tests need to say and see.

    Attributes:
        bin: the folder for the PATH.
    """

    def __init__(self, folder: Path) -> None:
        self.bin, self._state = folder / "bin", folder / "state"
        self.bin.mkdir()
        self._state.mkdir()
        self.docker_has(cpus=8, memory_gb=16)
        for program in PROGRAMS:
            path = self.bin / program
            path.write_text(FAKE.format(python=sys.executable, state=str(self._state)))
            path.chmod(0o755)

    def docker_has(self, cpus: int, memory_gb: int) -> None:
        (self._state / "docker").write_text(f"{cpus} {memory_gb * 10**9}")

    def fail(self, *calls: str) -> None:
        """Has calls that begin with these words fail; none any more where none is named."""
        (self._state / "failing").write_text("\n".join(calls))

    def serve(self, service: str, url: str) -> None:
        """Lets port-forward to this service lead to an address of this machine."""
        (self._state / f"{service}.port").write_text(url.rpartition(":")[2])

    def end_forwarding(self) -> None:
        """Ends the newest port-forward, as kubectl ends when the pod behind it does."""
        os.kill(int((self._state / "port-forward.pid").read_text()), signal.SIGKILL)

    def calls(self) -> list[str]:
        """The calls since the last look, kubectl's without the words for cluster and namespace that each has."""
        path = self._state / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines

    def secret(self, name: str) -> dict[str, str]:
        data: dict[str, Any] = json.loads((self._state / f"{name}.json").read_text())["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def make_secret(self, name: str, **values: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        (self._state / f"{name}.json").write_text(json.dumps({"metadata": {"name": name}, "data": data}))

    def run(self, module: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a tool of this repository with nothing but the fakes on its PATH."""
        environment = os.environ | {"PATH": str(self.bin), "PYTHONPATH": str(ROOT)} | variables
        command = [sys.executable, "-m", module, *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
