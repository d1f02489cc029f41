"""A command's temporary folder: gone at its end; after a kill, gone at the next start."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from experiments import temporary
from tests.faults.study import left_behind, start

USE = "import tempfile; from experiments.temporary import use_own_folder; print(use_own_folder()); "
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def short():
    """An empty temporary directory with a path short enough for sockets in it: that of pytest is not."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


def child(code: str, tmpdir: Path) -> subprocess.Popen:
    environment = {**os.environ, "TMPDIR": str(tmpdir), "PYTHONPATH": str(ROOT)}
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)
    call, pipe = [sys.executable, "-c", USE + code], subprocess.PIPE
    return subprocess.Popen(call, env=environment, stdin=pipe, stdout=pipe, text=True)


def named(pid: int, started: float) -> str:
    return f"{temporary.PREFIX}{temporary._host()}-{pid}-{started:.0f}-abcdefgh"


def test_all_temporary_files_go_there_and_go_with_the_process(short):
    code = "import os, subprocess, sys; open(tempfile.mkstemp()[1], 'w').write('x'); print(tempfile.gettempdir()); "
    code += "print(os.environ['TORCHINDUCTOR_CACHE_DIR'], flush=True); "
    code += "subprocess.run([sys.executable, '-c', 'import tempfile; print(tempfile.mkdtemp())'])"
    process = child(code, short)
    folder, used, kernels, of_child = process.communicate()[0].split()
    assert Path(folder).parent == short
    assert used == folder
    assert Path(of_child).parent == Path(folder)
    assert Path(kernels).parent == short
    assert list(short.iterdir()) == []


def test_the_folder_of_a_dead_process_is_removed_and_that_of_a_living_one_kept(short):
    living = child("import sys; sys.stdout.flush(); sys.stdin.read()", short)
    assert living.stdout is not None
    kept = Path(living.stdout.readline().strip())
    dead = child("import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)", short)
    stale = Path(dead.communicate()[0].strip())
    assert kept.is_dir()
    assert stale.is_dir()
    temporary.remove_stale(short)
    assert list(short.iterdir()) == [kept]
    living.kill()
    living.communicate()
    temporary.remove_stale(short)
    assert list(short.iterdir()) == []


def test_what_is_not_known_to_be_stale_stays(short):
    own = psutil.Process()
    reused = short / named(own.pid, own.create_time() - 3600)  # the id of a dead process, in use again
    kept = [short / named(own.pid, own.create_time()), short / "ablation-00000000-1-1-abcdefgh", short / "ablation-x"]
    target = short / "target"
    for folder in (reused, *kept, target):
        folder.mkdir()
    link = short / named(own.pid, 1)
    link.symlink_to(target)
    (target / "file").touch()
    temporary.remove_stale(short)
    assert set(short.iterdir()) == {*kept, target, link}
    assert (target / "file").exists()


def test_kernels_are_cached_where_pytorch_caches_them():
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    assert str(temporary.kernel_cache()) == default_cache_dir()


def test_a_long_path_leaves_no_room_for_sockets():
    name = f"ablation-{'f' * 8}-{2**22}-{10**10 - 1}-{'x' * 8}"
    below = f"/{name}/wandb-{2**22}-{2**22}-{2**32 - 1}/socket"
    assert len(below) <= temporary.LONGEST_BELOW
    assert temporary.roomy(Path("/tmp")) == Path("/tmp")
    assert temporary.roomy(Path("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T")) == Path("/tmp")


def test_a_folder_that_cannot_be_created_is_told_in_one_line(short, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(short / "x"))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    with pytest.raises(SystemExit) as ended:
        temporary.use_own_folder()
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR")
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"no temporary folder can be created in {short / 'x'}: No such file or directory; set TMPDIR"]


@pytest.mark.slow
def test_a_killed_study_started_again_leaves_nothing(short, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(short))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    process = start(tmp_path / "study")
    while not list((tmp_path / "study").rglob("checkpoint.pt")):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert left_behind(tmp_path / "study") == []
    (left,) = without_kernels(short)
    assert left.name.startswith(temporary.PREFIX)
    assert len(list(left.iterdir())) >= 3
    assert start(tmp_path / "study").wait() == 0
    assert without_kernels(short) == []


def without_kernels(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith("torchinductor_")]


def test_a_process_of_another_container_with_the_same_name_is_not_taken_for_dead(short, monkeypatch):
    """Its ids mean nothing here: the process has id 7 there, and here nobody has."""
    there = short / named(2**22 + 7, 1.0)
    there.mkdir()
    monkeypatch.setattr(temporary.os, "readlink", lambda path: "pid:[4026532000]")
    temporary.remove_stale(short)
    assert there.is_dir()
    monkeypatch.undo()
    temporary.remove_stale(short)
    assert not there.exists()
