"""A real SLURM on this machine: munge, a controller, two CPU nodes and one with two fake GPUs.

All daemons listen on the loopback, store their state in a separate folder and are stopped by
process id. Root is needed to make device files. Debian's packages slurm-wlm and munge are needed
too, built with several slurmd per host.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
SYSTEM = Path("/etc/slurm")
CONFIGURATION = ("slurm.conf", "gres.conf")
MARK = "of-a-test"  # a file next to the configuration of such a cluster
NODES = ("n1", "n2", "g1")
ADDRESS = "test:127.0.0.1:17000:"  # of the controller, in the environment of jobs

CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket,cred_expire=10
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=600
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs=2 RealMemory=6000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17002 CPUs=2 RealMemory=6000
NodeName=g1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17003 CPUs=4 RealMemory=6000 Gres=gpu:fake:2
PartitionName=cpu Nodes=n1,n2 Default=YES MaxTime=600 DefMemPerCPU=500
PartitionName=gpu Nodes=g1 MaxTime=600 DefMemPerCPU=500
"""
GRES = "NodeName=g1 Name=gpu Type=fake File={folder}/dev/gpu[0-1]\n"


def why_not() -> str | None:
    """Return the reason why SLURM cannot be started here, or None."""
    if os.getuid() != 0:
        return "a SLURM of one's own needs root, to make device files"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)}: not installed (Debian's packages slurm-wlm and munge)"
    for path in map(SYSTEM.joinpath, CONFIGURATION):
        # A killed test may have left a link, to nothing or to its own folder.
        if path.exists() and not path.resolve().with_name(MARK).exists():
            return f"{path} is there: this machine belongs to a SLURM already"
    return None


class Cluster:
    """The daemons of SLURM, with methods to start, stop and query them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "etc" / "slurm.conf"
        self.environment = os.environ | {"SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        """Start everything, and return when all nodes are idle."""
        for name in ("etc", "state", "log", "run", "dev", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        values = {"folder": self.folder, "host": socket.gethostname().split(".")[0]}
        self.conf.write_text(CONF.format(**values))
        (self.folder / "etc" / "gres.conf").write_text(GRES.format(**values))
        for number in (0, 1):  # like /dev/null: only such files make SLURM name GPUs to jobs
            os.mknod(self.folder / "dev" / f"gpu{number}", 0o20666, os.makedev(1, 3))
        key = self.folder / "etc" / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        # The executor plugin forgets SLURM_CONF inside a job.
        SYSTEM.mkdir(exist_ok=True)
        (self.folder / "etc" / MARK).touch()
        for name in CONFIGURATION:
            (SYSTEM / name).unlink(missing_ok=True)
            (SYSTEM / name).symlink_to(self.folder / "etc" / name)
        run = self.folder / "run"
        self.run(
            "munged",
            "--force",
            "--num-threads=4",
            f"--key-file={key}",
            f"--socket={run}/munge.socket",
            f"--pid-file={run}/munged.pid",
            f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={run}/munged.seed",
        )
        self.run("slurmctld")
        for node in NODES:
            self.start_node(node)
        self.wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), 60, "idle nodes")

    def start_node(self, node: str) -> None:
        """Start the daemon of one node."""
        self.run("slurmd", "-N", node)

    def stop(self) -> None:
        """Kill the daemons that were started, and the remaining processes of jobs."""
        self.cancel_all()
        for path in sorted((self.folder / "run").glob("*.pid")):
            self.kill(path.stem, signal.SIGTERM)
        # Without cgroups a job's process that left its session outlives the job.
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("SLURM_WORKING_CLUSTER", "").startswith(ADDRESS):
                    process.kill()
        for name in CONFIGURATION:
            link = SYSTEM / name
            if link.is_symlink() and link.readlink() == self.folder / "etc" / name:
                link.unlink()

    def kill(self, daemon: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a daemon: "slurmctld", "slurmd-n1", "munged"."""
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int((self.folder / "run" / f"{daemon}.pid").read_text()), number)

    def states(self) -> dict[str, str]:
        """Return the state of each node."""
        lines = self.run("sinfo", "-N", "-h", "-o", "%N %T").split("\n")
        return dict(line.split() for line in lines if line)

    def jobs(self, state: str = "PENDING,RUNNING,COMPLETING") -> list[str]:
        """Return the numbers of the jobs in some states, by default of all unfinished jobs."""
        return self.run("squeue", "-h", "-t", state, "-o", "%A").split()

    def node_of(self, job: str) -> str:
        """Return the node that a job runs on."""
        return self.run("squeue", "-h", "-j", job, "-o", "%N").strip()

    def cancel_all(self) -> None:
        """Cancel all jobs, and return when they are gone."""
        if self.jobs():
            self.run("scancel", *self.jobs())
            self.wait_for(lambda: not self.jobs(), 60, "end of cancelled jobs")

    def kill_job(self, job: str) -> None:
        """Kill the processes of a job and those of SLURM that watch it, like a dying node."""
        minders = [
            process
            for process in psutil.process_iter(["cmdline"])
            if f"slurmstepd: [{job}." in " ".join(process.info["cmdline"] or [])
        ]
        assert minders, f"no process of job {job}"
        for process in [*minders, *(c for m in minders for c in m.children(recursive=True))]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def wait_for(self, condition, seconds: float, what: str) -> None:  # type: ignore[no-untyped-def]
        """Return when ``condition()`` is true; fail after this number of seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"no {what} after {seconds} s"
            time.sleep(0.2)

    def run(self, *command: str) -> str:
        """Run a command of SLURM, and return its output."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout
