"""Where the logs of a source are: files at any depth of a folder, or a project on a server."""

from __future__ import annotations

import os
import re
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

from analysis.logs.fragment import LogsError

PUBLIC, PUBLIC_API = "wandb.ai", "https://api.wandb.ai"


def remote(source: str | PathLike[str]) -> tuple[str, str | None] | None:
    """(entity/project, the server's address or None: the client's own) for what is no path, else None.

    `entity/project` is a path if it exists, or if its first folder does (mistyped). A project's page is a source too:
    `https://wandb.ai/entity/project` or that of another server, with whatever follows.
    """
    if not isinstance(source, str):
        return None
    if re.match(r"https?://", source):
        page = urlsplit(source)
        parts = [part for part in page.path.split("/") if part]
        if len(parts) < 2:
            raise LogsError(f"{source} names no project; give its page, as https://{page.netloc}/entity/project")
        own = page.hostname in (PUBLIC, f"www.{PUBLIC}", f"api.{PUBLIC}")
        return "/".join(parts[:2]), PUBLIC_API if own else f"{page.scheme}://{page.netloc}"
    if not re.fullmatch(r"\w[\w.-]*/[^/\\#?%:]+", source):
        return None
    return None if Path(source).exists() or Path(source).parent.exists() else (source, None)


def wandb_files(source: Path) -> list[Path]:
    """Every `*.wandb` below a folder, also behind links to folders; each once; or the file itself."""
    if not source.exists():
        raise LogsError(
            f"no folder or file {source}; give the folder that holds the runs, a .wandb file, entity/project or the "
            "address of a project's page"
        )
    if not source.is_dir():
        if source.suffix != ".wandb":
            raise LogsError(f"{source} is not a W&B log; give a .wandb file or the folder that holds the runs")
        return [source]
    paths: dict[tuple[int, int], Path] = {}
    for followed in (False, True):  # a path without a link in it is the better name
        entered = set()
        for folder, below, names in os.walk(source, followlinks=followed):
            place = _identity(Path(folder))
            if place is None or place in entered:
                below.clear()
                continue
            entered.add(place)
            below.sort()
            for path in (Path(folder, name) for name in sorted(names) if name.endswith(".wandb")):
                if (one := _identity(path)) is not None:
                    paths.setdefault(one, path)
    if not paths:
        raise LogsError(
            f"no W&B log (*.wandb) in {source} or a folder below it; give the folder that holds the runs, "
            "or train some first"
        )
    return sorted(paths.values())


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of what the path leads to; None for a link that leads nowhere."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
