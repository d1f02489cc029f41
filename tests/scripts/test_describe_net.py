"""describe_net as a user gives it; every published number against a count that is not ours."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import nets
from analysis.published import costs
from analysis.published.costs import Cost
from nets import registry
from nets.shortcuts import SHORTCUTS

SCRIPT = Path(__file__).parents[2] / "scripts" / "describe_net.py"
# The nets that build and trace in a fraction of a second; the others' rows are slow.
CHEAP = (
    *("resnet20", "resnet32", "resnet18", "resnet50", "alexnet", "alexnet_2012", "alexnet_cifar", "googlenet"),
    *("densenet40", "mobilenet", "lenet5", "lenet", "mnist_inception", "mnist_resnet"),
)
ROWS = [
    pytest.param(*key, id=" ".join(key), marks=[] if key[0] in CHEAP else [pytest.mark.slow])
    for key in dict.fromkeys((c.net, c.options, c.input) for c in costs.load())
]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("describe_net", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["describe_net"] = module  # its dataclasses and annotations are looked up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(script, capsys):
    def call(*words: str) -> tuple[int, str, str]:
        status = script.run(list(words))
        return status, *capsys.readouterr()

    return call


def test_layers_and_totals_beside_the_published(run):
    status, out, err = run("resnet20")
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split() == ["conv1", "Conv2d", "16x32x32", "432", "442,368"]
    assert (
        "resnet20 on 3x32x32: 269,722 parameters, 40.55 M multiply-adds, 20 weight layers (shortcuts not counted)"
        in out
    )
    assert "0.27 M parameters by He et al. 2015 Table 6 (paper): to its digits" in out


def test_heads_for_training_count_as_parameters(run):
    assert "13,378,280 parameters, 1,582.67 M" in run("googlenet")[1]


def test_difference_of_two_variants(run):
    out = run("resnet8", "--diff", "downsample=A", "downsample=B")[1]
    assert out.splitlines()[:2] == ["--- resnet8 downsample=A", "+++ resnet8 downsample=B"]
    assert "+stage2.0.shortcut.resize.conv" in out
    assert "downsample=A: 75,290 parameters" in out
    assert "downsample=B: 78,042 parameters" in out  # 16 x 32 + 32 x 64 weights, 2 x (32 + 64) of BN
    assert "the same layers" in run("resnet8", "--diff", "gate_bias=-6", "gate_bias=-5")[1]


def test_projections_are_not_counted_as_depth(run):
    assert ", 8 weight layers (shortcuts not counted)" in run("resnet8", "--downsample", "C")[1]


def test_published_numbers_are_those_of_the_same_image(run):
    assert "(recount)" in run("resnet20", "--input", "3x32x32")[1]
    assert "(recount)" not in run("resnet20", "--input", "3x64x64")[1]


def test_table_has_ours_and_theirs(run, monkeypatch):
    """269,722 and 40,551,040 are recounts by hand; a number that no paper confirms says so."""
    first = next(row for row in costs.load() if row.net == "resnet20" and not row.options)
    rows = [first, replace(first, confirmed=False, printed="0.3", note="a reason")]
    monkeypatch.setattr(costs, "load", lambda: rows)
    monkeypatch.setattr(nets, "names", lambda: ("resnet20", "lenet"))
    lines = run("--table")[1].splitlines()
    assert lines[2] == (
        "| resnet20 |  | 3x32x32 | 269,722 | 40,551,040 | 0.27 M parameters, He et al. 2015 Table 6: to its digits<br>"
        "0.3 M parameters, He et al. 2015 Table 6 (not confirmed): to its digits |"
    )
    assert lines[3] == "| lenet |  | 1x32x32 | 61,706 | 416,520 | none found |"
    assert "(paper, not confirmed)" in run("resnet20")[1]


def test_options_input_and_list(run):
    assert "--order original  (original, bn_after_add," in run("resnet8", "--options")[1]
    assert "resnet8 on 3x64x48:" in run("resnet8", "--input", "3x64x48")[1]
    assert run("--list")[1].split() == list(nets.names())


OWN_FILE = """
import nets
from torch import nn
from experiments.ablation import Ablation, Factor, Profile, Variant
from experiments.spec import DataSpec, NetSpec, RunSpec
from nets.shortcuts import SHORTCUTS, Shortcut

SHORTCUTS["also_identity"] = Shortcut

@nets.register("perceptron")
class Perceptron(nn.Sequential):
    def __init__(self, num_classes: int = 10, in_channels: int = 3, width: int = 8):
        super().__init__(nn.Flatten(), nn.Linear(192, width), nn.ReLU(), nn.Linear(width, num_classes))

ABLATION = Ablation(
    name="own_width", question="Does width help?", factors=(Factor("width", ("net.width",)),), baseline="narrow",
    base=RunSpec(net=NetSpec("perceptron"), data=DataSpec("digits")),
    variants=(Variant("narrow", "8", {}), Variant("wide", "16", {"net.width": 16})),
    profiles={"smoke": Profile(seeds=2, epochs=1)},
)
"""


def test_a_file_of_your_own_adds_nets_and_rows(run, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setitem(SHORTCUTS, "also_identity", None)  # restores the table after the test
    own = tmp_path / "own.py"
    own.write_text(OWN_FILE)
    status, out, err = run("perceptron", "--file", str(own), "--width", "5", "--input", "3x8x8")
    assert (status, err) == (0, "")
    assert f"perceptron on 3x8x8: {192 * 5 + 5 + 5 * 10 + 10:,} parameters, 0.00 M multiply-adds, 2 weight" in out
    out = run("resnet8", "--file", str(own), "--shortcut", "also_identity")[1]
    assert "resnet8 on 3x32x32: 75,290 parameters" in out
    assert run("perceptron", "--width", "wide")[2] == (
        "describe_net: perceptron: width cannot be 'wide'; it takes a whole number\n"
    )


def test_a_reader_that_has_gone_is_no_error():
    """As `describe_net.py --list | head -1` leaves it: nothing on stderr, status 0."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, SCRIPT, "--list"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a net: resnet8, "),
        (("--file", "nowhere.py", "--list"), "nowhere.py; give a Python file that defines ABLATION"),
        (("resnet111",), "did you mean resnet110"),
        (("resnet8", "--orders", "original"), "no option 'orders'"),
        (("resnet8", "--order", "post"), "it takes original, bn_after_add"),
        (("resnet8", "--input", "32"), "an input is written CxHxW"),
        (("resnet8", "--input", "1x32x32"), "cannot take an input of 1x32x32"),
        (("resnet8", "--diff", "order", "unit=single"), "written OPTION=VALUE"),
        (("resnet8", "extra"), "cannot read 'extra'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, words, message):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("name", "options", "shape"), ROWS)
def test_every_published_row_counted_by_torch(script, name, options, shape):
    """Exact counts are exact; a printed one agrees to its digits, is rounded down, or has its reason."""
    texts = dict(word.split("=", 1) for word in options.split())
    described = script.describe(name, texts, shape)
    with torch.device("meta"):
        kinds = nets.options_of(name)
        net = nets.build(name, **{key: kinds[key].parse(text) for key, text in texts.items()})
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.empty(1, *described.size, device="meta"))
    ours = described.totals
    assert ours == {
        "parameters": sum(p.numel() for p in net.parameters()),
        "multiply_adds": counter.get_total_flops() / 2,
    }
    for row in costs.of(name, texts, shape):
        verdict = row.verdict(ours[row.quantity])
        assert ("%" in verdict) == bool(row.note), (row, verdict)
        assert row.kind != "recount" or verdict == "exact", (row, verdict)


@pytest.mark.parametrize(
    ("printed", "unit", "counted", "verdict"),
    [
        ("1.7", "1e6", 1_703_258, "to its digits"),
        ("3.6", "1e9", 3_663_761_408, "rounded down"),
        ("60", "1e6", 60_000_000, "exact"),
        ("100", "1", 101, "+1 %: because"),
        ("10.2", "1e6", 9_996_000, "-2 %: because"),
    ],
)
def test_verdict_says_how_far_apart(printed, unit, counted, verdict):
    row = Cost("net", "", "3x32x32", "parameters", printed, unit, "paper", "source", True, "because")
    assert row.verdict(counted) == verdict
