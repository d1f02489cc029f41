"""A server's faults never stop a study: both runs are trained, and every row gets to the server once.

`python -m tests.wandb_faults` prints the table of all twelve, with the seconds that each costs.
"""

import pytest

from tests.wandb_faults import EPOCHS, FAULTS, RUNS, meet


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_no_run_is_lost_and_no_row_is_lost_or_doubled(fault, tmp_path):
    found = meet(FAULTS[fault], tmp_path / "study")
    assert (found.status, found.trained) == (0, RUNS)
    assert (found.after, found.doubled) == (RUNS * EPOCHS, 0)
    assert found.command is not None or fault in ("slow by 3 s", "back after a minute")
