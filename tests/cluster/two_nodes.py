"""A SLURM of two nodes on this machine, from the system's packages: each node has its own network, host name and pids.

Needs root, and Debian's packages slurmctld, slurmd, slurm-client, munge and iproute2.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

NEEDED = ("slurmctld", "slurmd", "sbatch", "munged", "ip", "unshare")
NET = "10.213.77"
NODES = {"n1": f"{NET}.11", "n2": f"{NET}.12"}
CONTROLLER = ("ctl", f"{NET}.1")
CONFIGURATION = """
ClusterName=bench
SlurmctldHost={controller}({address})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=5,sched_min_interval=100000
MpiDefault=none
ReturnToService=2
SlurmdTimeout=20
KillWait=20
JobRequeue=1
{nodes}
PartitionName=main Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """What this machine lacks for it, in words."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    return f"no {', '.join(lacking)}: apt-get install slurmctld slurmd slurm-client munge iproute2" if lacking else None


def run(*words: str, check: bool = True) -> str:
    done = subprocess.run(words, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class TwoNodes:
    """Use as a context: at its end every process, network and file of it is gone.

    cpus: that each node offers to SLURM.
    """

    def __init__(self, cpus: int = 2) -> None:
        self.cpus = cpus
        self.tag = f"slurm{secrets.token_hex(2)}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.tag}-"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def inside(self, *words: str, host: str = CONTROLLER[0]) -> list[str]:
        """The command that runs `words` in a host's network."""
        return ["ip", "netns", "exec", f"{self.tag}-{host}", *words]

    def slurm(self, *words: str) -> str:
        """The output of one of SLURM's commands."""
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def stop_node(self, name: str) -> None:
        """End every process of the node at once, as when its power fails."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def __enter__(self) -> TwoNodes:
        try:
            self._network()
            self._configuration()
            self._start("munged", "munged", "-F", "--force", *self._munge_files())
            self._wait(lambda: (self.folder / "munge.socket").exists(), "munged")
            self._host("slurmctld", CONTROLLER[0], "slurmctld", "-D")
            for name in NODES:
                self._host(name, name, "slurmd", "-D")
            self._wait(
                lambda: self.slurm("sinfo", "-h", "-N", "-t", "idle", "-o", "%n").count("n") == 2, "two idle nodes"
            )
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self.processes.values()):
            process.kill()
            process.wait()
        for host in (CONTROLLER[0], *NODES):
            run("ip", "netns", "delete", f"{self.tag}-{host}", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _network(self) -> None:
        """A bridge in the controller's network, and a cable from it to each node."""
        for host in (CONTROLLER[0], *NODES):
            run("ip", "netns", "add", f"{self.tag}-{host}")
            run(*self.inside("ip", "link", "set", "lo", "up", host=host))
        run(*self.inside("ip", "link", "add", "bridge0", "type", "bridge"))
        run(*self.inside("ip", "address", "add", f"{CONTROLLER[1]}/24", "dev", "bridge0"))
        run(*self.inside("ip", "link", "set", "bridge0", "up"))
        for name, address in NODES.items():
            peer = f"{self.tag}-{name}"
            run(*self.inside("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", peer))
            run(*self.inside("ip", "link", "set", f"to-{name}", "master", "bridge0", "up"))
            run(*self.inside("ip", "address", "add", f"{address}/24", "dev", "eth0", host=name))
            run(*self.inside("ip", "link", "set", "eth0", "up", host=name))

    def _configuration(self) -> None:
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir()
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # named, so that slurmd looks for none
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(1024))
        (self.folder / "munge.key").chmod(0o400)
        nodes = "\n".join(
            f"NodeName={name} NodeAddr={address} NodeHostname={name} CPUs={self.cpus} State=UNKNOWN"
            for name, address in NODES.items()
        )
        text = CONFIGURATION.format(
            controller=CONTROLLER[0], address=CONTROLLER[1], folder=self.folder, nodes=nodes, names=",".join(NODES)
        )
        (self.folder / "slurm.conf").write_text(text)

    def _munge_files(self) -> list[str]:
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        return [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]

    def _host(self, key: str, host: str, *words: str) -> None:
        """Start a daemon under its own host name, as the first process of its own: none outlives it."""
        command = f"hostname {host} && exec {' '.join(words)} -f {self.folder}/slurm.conf"
        alone = ("unshare", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", "sh", "-c", command)
        self._start(key, *self.inside(*alone, host=host))

    def _start(self, key: str, *words: str) -> None:
        with (self.folder / f"{key}.out").open("wb") as output:
            self.processes[key] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment
            )

    def _wait(self, ready: object, what: str, limit_s: float = 120.0) -> None:
        assert callable(ready)
        deadline = time.monotonic() + limit_s
        reason = ""
        while time.monotonic() < deadline:
            try:
                if ready():
                    return
            except RuntimeError as error:  # the controller does not answer yet
                reason = str(error)
            time.sleep(0.3)
        printed = "\n".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.out"))
        raise RuntimeError(f"no {what} after {limit_s:.0f} s: {reason}\n{printed}")
