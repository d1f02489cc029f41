"""Image files for the tests of a user's own data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a grey image, filled with `level`, at a path below the test's folder."""

    def write(name: str, level: int = 0, height: int = 4, width: int = 4) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((height, width), level, dtype=np.uint8)).save(path)
        return path

    return write
