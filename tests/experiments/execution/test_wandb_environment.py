"""What the user says to W&B is respected, named or refused, before anything trains."""

from dataclasses import dataclass

import pytest

from experiments.execution.wandb_environment import TrackingError, client_settings, destination, without_effect
from experiments.planning.job import Destination


@dataclass
class Asked:
    wandb: str | None = None
    wandb_entity: str | None = None
    wandb_project: str | None = None
    wandb_artifacts: bool = False


def test_the_environment_is_respected():
    environment = {
        "WANDB_MODE": "online",
        "WANDB_ENTITY": "lab",
        "WANDB_PROJECT": "shared",
        "WANDB_TAGS": "gpu, first,gpu",
        "WANDB_NOTES": "on the new machine",
    }
    where = Destination("lab", "shared", ("gpu", "first"), "on the new machine")
    assert destination(Asked(), environment) == ("online", where)
    assert destination(Asked(), {}) == ("offline", Destination())
    assert destination(Asked(), {"WANDB_MODE": "dryrun"})[0] == "offline"


def test_the_command_line_wins_over_the_environment():
    environment = {"WANDB_ENTITY": "lab", "WANDB_PROJECT": "shared"}
    asked = Asked("online", "mine", "own", wandb_artifacts=True)
    assert destination(asked, environment) == ("online", Destination("mine", "own", artifacts=True))


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"WANDB_MODE": "offline"}, "--wandb online contradicts WANDB_MODE=offline; change or unset one of them"),
        ({"WANDB_MODE": "shared"}, "WANDB_MODE=shared is not supported; use one of offline, online, disabled"),
        ({"WANDB_SWEEP_ID": "abc"}, "WANDB_SWEEP_ID is set: under `wandb agent` W&B replaces the id and the project"),
        ({"WANDB_LAUNCH": "true"}, "WANDB_LAUNCH is set: under `wandb launch` W&B replaces the id and the project"),
    ],
)
def test_what_cannot_be_respected_is_refused_in_one_line(environment, line):
    with pytest.raises(TrackingError) as refused:
        destination(Asked("online"), environment)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_what_has_no_effect_is_named():
    lines = without_effect({"WANDB_DIR": "/elsewhere", "WANDB_NAME": "mine", "WANDB_RUN_ID": "", "WANDB_TAGS": "gpu"})
    assert [line.partition(" has no effect: ")[0] for line in lines] == ["WANDB_DIR", "WANDB_NAME"]


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("WANDB_BASE_URL", "no address", r"W&B rejects the setting base_url = 'no address': .+"),
        ("WANDB_CONSOLE", "loud", r"W&B rejects the setting console = 'loud': .+"),
        ("WANDB_API_KEY", " key ", r"W&B rejects its settings: API key cannot start or end with whitespace"),
    ],
)
def test_a_setting_that_the_client_rejects_gets_one_line(monkeypatch, tmp_path, variable, value, line):
    import wandb

    wandb.teardown()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, value)
    with pytest.raises(TrackingError, match=f"^{line}$"):
        client_settings()
    wandb.teardown()
