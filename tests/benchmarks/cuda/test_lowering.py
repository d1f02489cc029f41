"""Compiled nets are lowered for sm_90 as counted by hand, and Triton and ptxas take their kernels."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
pytest.importorskip("triton")  # PyTorch's CPU builds come without it

from benchmarks import kernels  # noqa: E402
from benchmarks.cuda.lowering import Lowered  # noqa: E402

CODE = """
def call(args):
        triton_poi_fused__to_copy_convolution_0.run(arg0, buf0, 9, stream=stream0)
        buf4 = extern_kernels.convolution(buf2, buf3, stride=(1, 1))
        triton_red_fused_native_batch_norm_1.run(buf4, buf5, 9, stream=stream0)
        triton_poi_fused_add_copy__2.run(arg1, arg1, 1, stream=stream0)
        buf6 = torch.ops.aten.convolution_backward.default(buf4, buf2)
        triton_poi_fused_relu_3.run(buf4, buf7, 9, stream=stream0)
        extern_kernels.mm(buf7, buf8, out=buf9)
"""


def test_launches_are_counted_by_kind():
    lowered = Lowered((CODE, CODE))
    assert len(lowered.kernels) == 8
    assert lowered.library_calls == ["convolution", "aten.convolution_backward.default", "mm"] * 2
    lines = kernels.report("net", lowered).splitlines()
    assert lines[0] == "net: 8 Triton kernels and 6 library calls per step"
    assert [line.split(maxsplit=1) for line in lines[1:5]] == [
        ["2", "convolution's weight or input cast"],
        ["2", "batches counted by BN"],
        ["2", "reductions"],
        ["2", "other"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("net", ["resnet20", "densenet40", "alexnet_cifar"])
def test_ptxas_takes_every_kernel_of_a_compiled_net(net):
    """ResNet-20 has 19 convolutions, each with a BN."""
    words = [sys.executable, "-m", "benchmarks.kernels", "--nets", net, "--ptxas"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ptxas takes all" in done.stdout
    if net == "resnet20":
        counts = {
            name: int(count) for count, name in (line.split(maxsplit=1) for line in done.stdout.splitlines()[1:-1])
        }
        assert counts["convolution"] == counts["aten.convolution_backward.default"] == 19
        assert counts["batches counted by BN"] == 19
