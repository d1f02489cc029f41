"""The notebook runs from its first cell to its last on a study that was trained for it, and shows its figures."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from ipykernel.kernelspec import install
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
STUDY = (
    "resnet_preact",
    "--profile",
    "smoke",
    "--variants",
    "original",
    "full_preact",
    "--seeds",
    "2",
    "--epochs",
    "2",
)


@pytest.mark.slow
def test_the_notebook_shows_and_saves_the_figures_of_a_study(tmp_path, monkeypatch):
    command = [sys.executable, str(ROOT / "scripts" / "run_ablation.py"), *STUDY]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    install(prefix=str(tmp_path))  # a kernel of this Python, whatever others there are
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "examples" / "figures.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=dict(os.environ) | {"PYTHONPATH": path})
    outputs = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    for shown in ("curves", "seeds", "signal"):
        assert any("image/png" in output.get("data", {}) for output in outputs[shown]), shown
    assert {"training_curves.svg", "seeds.pdf", "signal_gradient.png"} <= {
        path.name for path in (tmp_path / "figures").iterdir()
    }
    assert not [output for cell in outputs.values() for output in cell if output.output_type in ("error", "stream")]
