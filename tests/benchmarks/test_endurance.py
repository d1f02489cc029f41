"""The long run's measurement counts what it says."""

from pathlib import Path

from benchmarks import endurance
from benchmarks.endurance import Part, Whole


def test_a_part_is_a_tenth_of_a_real_run(tmp_path):
    whole = endurance.measure(10, "cpu", tmp_path)
    assert [part.epoch for part in whole.parts] == list(range(1, 11))
    assert 0 < sum(part.epoch_s for part in whole.parts) < whole.run_s
    assert 0 < sum(part.log_s for part in whole.parts) < whole.wandb_s < whole.run_s
    # ResNet-8 has 75,002 parameters with one channel in, and as many momenta, of four bytes.
    assert all(2 * 4 * 75_002 / 2**10 < part.checkpoint_kib < 700 for part in whole.parts)
    assert all(300 < part.memory_mib < 3000 for part in whole.parts)
    assert not list(Path(tmp_path).rglob("*.wandb"))  # it leaves nothing behind


def test_the_report_says_shares():
    said = endurance.report(Whole([Part(100, 0.25, 0.0005, 700.0, 600.0)], run_s=50.0, wandb_s=0.25))
    assert said.splitlines()[1].split() == ["100", "0.2500", "0.50", "700", "600"]
    assert "W&B 0.25 s (0.5%)" in said
