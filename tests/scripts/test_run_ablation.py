"""The command as a user gives it: a killed one resumes to the same table; bad input gets one line and status 2."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch
import tyro

from analysis import logs

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "run_ablation.py"
TINY = ("--profile", "smoke", "--variants", "original", "full_preact", "--seeds", "1", "--depth", "8", "--epochs", "4")


@pytest.fixture(scope="module")
def script():
    """The command as a module, so that most tests need no process of their own."""
    sys.path.insert(0, str(SCRIPT.parent))
    import run_ablation

    sys.path.remove(str(SCRIPT.parent))
    return run_ablation


@pytest.fixture
def ended(script, capsys, monkeypatch):
    """Exit status, output and errors of the command with these words."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        status = script.main(tyro.cli(script.Args, args=[str(word) for word in words]))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def start(*words, **how) -> subprocess.Popen:
    call = [sys.executable, str(SCRIPT), *map(str, words)]
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **how,
    )  # fmt: skip


def wait_for_a_checkpoint(out: Path) -> None:
    deadline = time.monotonic() + 300
    while not list(out.rglob("checkpoint.pt")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def history_of(out: Path) -> pd.DataFrame:
    history = logs.load(out)[1]
    return history.drop(columns=[name for name in history if name.startswith("time/")])


def table_of(out: Path) -> pd.DataFrame:
    table = pd.read_csv(next(out.rglob("table.csv")))
    return table.drop(columns=[name for name in table if "minutes" in name])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    process = start("resnet_preact", *TINY, "--out", out)
    text, _ = process.communicate(timeout=280)
    return out, process.returncode, text


def test_it_ends_in_a_table_and_says_where_everything_is(unbroken):
    out, status, text = unbroken
    assert status == 0
    assert "6.61" in text  # the paper's cells for ResNet-110 (He et al. 2016, Table 2)
    assert "6.37" in text
    kinds = {path.suffix for path in next((out / "resnet_preact" / "results").iterdir()).iterdir()}
    assert {".md", ".csv", ".tex", ".pdf", ".svg", ".png"} <= kinds


def test_the_same_command_again_trains_nothing(unbroken, ended):
    out = unbroken[0]
    before, table = history_of(out), next(out.rglob("table.csv")).read_bytes()
    status, again, _ = ended("resnet_preact", *TINY, "--jobs", "1", "--out", out)
    assert status == 0
    assert again.count("finished before") == 2
    pd.testing.assert_frame_equal(history_of(out), before)
    assert next(out.rglob("table.csv")).read_bytes() == table


def test_the_status_is_read_without_a_plan_of_ones_own(unbroken, ended):
    status, said, _ = ended("resnet_preact", "--status", "--out", unbroken[0])
    assert status == 0
    assert "2 of 2 runs done, 0 running, 0 failed, 0 waiting" in " ".join(said.split())


def test_the_status_of_a_study_that_has_not_begun(ended, tmp_path):
    status, said, _ = ended("resnet_preact", *TINY, "--status", "--out", tmp_path)
    assert status == 0
    assert "0 of 2 runs done, 0 running, 0 failed, 2 waiting" in " ".join(said.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_shards_end_in_the_table_of_the_whole(unbroken, ended, tmp_path):
    status, said, _ = ended("resnet_preact", *TINY, "--shard", "2/2", "--out", tmp_path)
    assert status == 0
    assert "shard 2/2 has ended, 1 runs of the plan are left" in said
    assert not list(tmp_path.rglob("table.csv"))
    assert ended("resnet_preact", *TINY, "--shard", "1/2", "--out", tmp_path)[0] == 0
    pd.testing.assert_frame_equal(table_of(tmp_path), table_of(unbroken[0]), check_exact=True)


def test_killed_in_the_middle_of_a_run_and_started_again(unbroken, ended, tmp_path):
    process = start("resnet_preact", *TINY, "--out", tmp_path)
    wait_for_a_checkpoint(tmp_path)
    process.kill()
    process.communicate()
    assert not list(tmp_path.rglob("table.csv"))
    status, _, _ = ended("resnet_preact", *TINY, "--jobs", "1", "--out", tmp_path)
    assert status == 0
    pd.testing.assert_frame_equal(table_of(tmp_path), table_of(unbroken[0]), check_exact=True)
    pd.testing.assert_frame_equal(history_of(tmp_path), history_of(unbroken[0]), check_exact=True)


@pytest.mark.parametrize(
    ("send", "number", "status"),
    [
        (os.killpg, "SIGINT", 130),
        (os.kill, "SIGTERM", 143),
        pytest.param(os.kill, "SIGINT", 130, marks=pytest.mark.slow),
        pytest.param(os.killpg, "SIGTERM", 143, marks=pytest.mark.slow),
        pytest.param(os.kill, "SIGHUP", 129, marks=pytest.mark.slow),
        pytest.param(os.killpg, "SIGHUP", 129, marks=pytest.mark.slow),
        pytest.param(os.kill, "SIGUSR2", 128 + signal.SIGUSR2, marks=pytest.mark.slow),
        pytest.param(os.killpg, "SIGUSR2", 128 + signal.SIGUSR2, marks=pytest.mark.slow),
    ],
)
def test_a_signal_has_every_run_write_a_checkpoint_and_end(tmp_path, send, number, status):
    """Ctrl-C reaches all processes of a terminal, `kill -INT` one; runs of hours are not waited for."""
    process = start("resnet_preact", "--epochs", "100000", "--out", tmp_path, start_new_session=True)
    wait_for_a_checkpoint(tmp_path)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    send(process.pid, getattr(signal, number))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors.split("\n\n") == [
        "\nstopping: each run finishes its step and writes a checkpoint; Ctrl-C again stops at once",
        "interrupted; run the same command again to resume\n",
    ]
    assert psutil.wait_procs(children, timeout=10)[1] == []
    states = [torch.load(path, weights_only=True) for path in tmp_path.rglob("checkpoint.pt")]
    assert any("epoch" in state for state in states)  # inside an epoch


def test_a_reader_that_leaves_does_not_end_training(tmp_path):
    """`run_ablation.py ... | head -1`: the table is written all the same."""
    process = start("resnet_preact", *TINY, "--jobs", "1", "--out", tmp_path)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait() == 0, errors
    assert errors.splitlines() == ["nothing reads the output any more; the command continues and writes its files"]
    assert len(list(tmp_path.rglob("table.csv"))) == 1
    process.stderr.close()


@pytest.mark.slow
def test_a_second_interrupt_ends_it_at_once(tmp_path):
    process = start("resnet_preact", "--epochs", "100000", "--out", tmp_path, start_new_session=True)
    wait_for_a_checkpoint(tmp_path)
    children = psutil.Process(process.pid).children(recursive=True)
    for child in children:
        child.suspend()  # nothing will finish a step
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.resume()
    process.communicate(timeout=10)
    assert psutil.wait_procs(children, timeout=10)[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.3, 1.0, 2.0, 4.0])
def test_an_interrupt_in_the_first_seconds_prints_no_traceback(tmp_path, after_s):
    """The workers' server is loading PyTorch then."""
    process = start("resnet_preact", "--epochs", "100000", "--out", tmp_path, start_new_session=True)
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["resnet_preakt"], "unknown ablation 'resnet_preakt'; did you mean resnet_preact?"),
        (["resnet_preact", "--variants", "fullpreact"], "no variant 'fullpreact'; choose from original, bn_after_add"),
        (["resnet_preact", "--dataset", "cifar"], "unknown data set 'cifar'; choose from digits, cifar10"),
        (["resnet_preact", "--depth", "21"], "unknown net 'resnet21'; did you mean"),
        (["resnet_preact", "--seeds", "0"], "--seeds takes from 1 to 10,000 seeds, not 0"),
        (["resnet_preact", "--out", "/proc/runs"], "cannot write in /proc/runs"),
        (["resnet_preact", "--seeds", "2-"], "write a number of seeds (5), a range (3-7), a list (0,2,9) or auto"),
        (["resnet_preact", "--seeds", "100000000"], "--seeds takes from 1 to 10,000 seeds, not 100,000,000"),
        (["resnet_preact", "--jobs", "0"], "--jobs must be above 0, not 0"),
        (["resnet_preact", "--margin", "0"], "--margin must be above 0, not 0"),
        (["resnet_preact", "--threads", "100000"], "threads takes a whole number from 1 to 1,024, not 100000"),
        (["resnet_preact", "--epochs", "inf"], "a length in epochs is a number above 0, not inf"),
        (["resnet_preact", "--epochs", "0"], "a length in epochs is a number above 0, not 0.0"),
        (["resnet_preact", "--profile", "long"], "no profile 'long'; choose from smoke, quick, paper"),
        (["resnet_preact", "--device", "mps"], "PyTorch finds no such device here; choose from cpu"),
        (["resnet_preact", "--set", "recipe.learnin_rate=1"], "did you mean recipe.learning_rate?"),
        (["resnet_preact", "--set", "recipe.learning_rate=fast"], "takes a number above 0, not 'fast'"),
        (["resnet_preact", "--set", "recipe.learning_rate=-1"], "takes a number above 0, not -1.0"),
        (["resnet_preact", "--set", "recipe.batch_size=32.5"], "takes a whole number above 0, not 32.5"),
        (["resnet_preact", "--set", "recipe.optimiser=adamm"], "did you mean adam"),
        (["resnet_preact", "--set", "net.width=wide"], "net.width cannot be 'wide'"),
        (["resnet_preact", "--depth", "32", "--set", "net.unit=bottleneck"], "depth 32 is not 9n+2"),
        (["resnet_preact", "--set", "net.order=original"], "net.order is the factor of this ablation"),
        (["resnet_preact", "--set", "recipe"], "write FIELD=VALUE"),
        (["resnet_preact", "--partition", "gpu"], "--partition is for --executor slurm, not local"),
        (["resnet_preact", "--executor", "slurm"], "--executor slurm needs --time, e.g. --time 4:00:00"),
        (["resnet_preact", "--shard", "3/2"], "write I/N with I from 1 to N, e.g. 1/4"),
        (["resnet_preact", "--seeds", "auto", "--shard", "1/2"], "--seeds auto takes no --shard"),
        (["--all", "--set", "threads=2"], "--all takes no --set"),
        ([], "name an ablation, e.g. resnet_preact"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(words, line, ended):
    status, _, err = ended(*words)
    assert status == 2
    assert line in err
    assert len(err.strip().splitlines()) == 1


def test_corrupt_cached_data(tmp_path, ended):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.pt").write_bytes(b"not a data set")
    status, _, err = ended(
        "resnet_preact", "--dataset", "mnist", "--data-dir", tmp_path / "data", "--out", tmp_path / "runs"
    )
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert "mnist.pt" in err
    assert "scripts/fetch_data.py mnist" in err
    assert not list((tmp_path / "runs").rglob("checkpoint.pt"))


def test_a_dry_run_prints_the_plan_and_trains_nothing(tmp_path, ended):
    status, text, _ = ended(
        "resnet_preact", "--dry-run", "--profile", "paper", "--variants", "full_preact", "--out", tmp_path
    )
    assert status == 0
    assert "1,727,962" in text
    assert "252.89 M" in text
    assert "64,000 iterations of 128 images = 164 epochs" in text
    assert not list(tmp_path.rglob("*.json"))


def test_list_names_every_ablation(ended):
    status, text, _ = ended("--list")
    assert status == 0
    assert "resnet_preact" in text
    assert "Where do BN and ReLU belong" in text


def test_a_setting_that_is_not_given_may_be_a_factor(ended, tmp_path):
    """Precision and compilation are the factors of this file."""
    path = SCRIPT.parents[1] / "results" / "precision" / "precision.py"
    status, out, _ = ended(path, "--profile", "quick", "--dry-run", "--out", tmp_path)
    assert (status, "15 runs: profile quick" in out) == (0, True)
    status, _, err = ended(path, "--profile", "quick", "--dry-run", "--compiled", "--out", tmp_path)
    assert status == 2
    assert "compiled is the factor of this ablation" in err
