"""A W&B server on the loopback device that satisfies the unmodified client, and fails in the ways that servers fail.

It takes what runs, `wandb sync`, artifacts, reports and workspaces upload, and answers what `wandb.Api()` asks. It
shows that the client is satisfied; it does not show that the real service behaves the same.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.wandb_answers import ENTITY, answer

API_KEY = "0123456789" * 4
SLOW_S = 3.0

# slow: every answer takes SLOW_S; silent: none comes; error: status 500; hang_up: the connection ends;
# refuse: status 401; elsewhere: status 404 with a web page, as at a wrong address; full: status 507 for uploads
Fault = Literal["slow", "silent", "error", "hang_up", "refuse", "elsewhere", "full"]
STATUS = {"error": 500, "refuse": 401, "elsewhere": 404, "full": 507}
NON_FINITE = {"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity"}


@dataclass
class Run:
    """A run as the server keeps it. lost: that many of its last rows are counted but not handed out."""

    entity: str
    project: str
    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    node: dict[str, Any] = field(default_factory=dict)


@dataclass
class Store:
    """What was uploaded: runs by (entity, project, id), files by path, artifacts and views in order.

    projects: those that exist, also without a run.
    """

    projects: set[tuple[str, str]] = field(default_factory=lambda: {(ENTITY, "resnet_preact")})
    runs: dict[tuple[str, str, str], Run] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def run(self, entity: str, project: str, name: str) -> tuple[Run, bool]:
        """The run, made if it is new, and whether it is new."""
        key = (entity, project, name)
        new = key not in self.runs
        self.projects.add(key[:2])
        return self.runs.setdefault(key, Run(*key)), new


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    @property
    def owner(self) -> WandbServer:
        return self.server.owner

    def do_GET(self) -> None:
        content = self.owner.store.files.get(self.path.partition("?")[0])
        self.send(200, content) if content is not None else self.send(404, {"error": "no such file"})

    def do_PUT(self) -> None:
        body = self.body()
        if self.fails():
            return
        with self.owner.lock:
            self.owner.store.files[self.path.partition("?")[0]] = body
        self.send(200, {})

    def do_POST(self) -> None:
        body = self.body()
        self.owner.watch(self.path, body)
        if self.fails():
            return
        if self.headers.get("Authorization") != self.owner.authorization:
            self.send(401, {"errors": [{"message": "invalid API key"}]})
        elif self.path == "/graphql":
            status, reply = self.graphql(json.loads(body))
            self.send(status, reply)
        elif found := re.fullmatch(r"/files/([^/]+)/([^/]+)/([^/]+)/file_stream", self.path):
            self.stream(self.owner.store.run(*found.groups())[0], json.loads(body))
            self.send(200, {"exitcode": None, "limits": {}})
        else:
            self.send(404, {"error": "no such address"})

    def graphql(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        query, variables = asked["query"], asked.get("variables") or {}
        try:
            with self.owner.lock:
                self.owner.store.queries.append(query)
                return 200, {"data": answer(self.owner.store, self.owner.url, query, variables)}
        except Exception as error:  # an unknown query is refused: the client would ask again for minutes
            return 400, {"errors": [{"message": f"{error!r} in {query}"}]}

    def stream(self, run: Run, sent: dict[str, Any]) -> None:
        with self.owner.lock:
            for name, part in (sent.get("files") or {}).items():
                if name == "wandb-summary.json":
                    run.node["summaryMetrics"] = part["content"][-1]
                elif name == "wandb-history.jsonl":
                    rows = [json.loads(line, parse_constant=NON_FINITE.get) for line in part["content"]]
                    run.rows[part["offset"] : part["offset"] + len(rows)] = rows
            if sent.get("complete") is not None or "exitcode" in sent:
                run.node["state"] = "failed" if sent.get("exitcode") else "finished"

    def fails(self) -> bool:
        """Whether the server's fault has already answered, or kept silent."""
        fault = self.owner.fault
        upload = self.command == "PUT" or self.path.endswith("/file_stream")
        if fault == "slow":
            time.sleep(SLOW_S)
        elif fault == "silent":
            self.owner.stopped.wait()
        elif fault == "hang_up" or self.owner.stopped.is_set():
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault in STATUS and (upload or fault != "full"):
            self.send(STATUS[fault], b"<html>no W&B here</html>" if fault == "elsewhere" else {"errors": []})
        else:
            return False
        self.close_connection = fault != "slow"
        return self.close_connection

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, reply: bytes | dict[str, Any]) -> None:
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the client has hung up
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class WandbServer:
    """`server.fault = "silent"`, `server.key = "another"`, `server.stop()`, `server.start()` at the same address."""

    KEY = API_KEY

    def __init__(self) -> None:
        self.store, self.lock = Store(), threading.RLock()
        self.fault: Fault | None = None
        self.key = API_KEY
        self.watch: Callable[[str, bytes], None] = lambda path, body: None  # called before each request is answered
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authorization(self) -> str:
        return f"Basic {base64.b64encode(f'api:{self.key}'.encode()).decode()}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to know."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": API_KEY}

    def start(self) -> None:
        if self.port and not self.stopped.is_set():
            return
        self.stopped = threading.Event()
        self.http = _Http(("127.0.0.1", self.port), Handler, self)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Connections end and new ones are refused; what was uploaded stays."""
        if self.stopped.is_set():
            return
        self.stopped.set()
        self.http.shutdown()
        self.http.server_close()
        self.http.end_connections()

    def add(self, name: str, rows: list[dict[str, Any]], lost: int = 0, **node: Any) -> None:
        """A finished run in the project lab/resnet_preact that logged `rows`."""
        run, _ = self.store.run(ENTITY, "resnet_preact", name)
        run.rows = [{"_step": step, "_timestamp": 1.7e9 + step, **row} for step, row in enumerate(rows)]
        run.lost = lost
        config = {"seed": 2, "net": {"name": "resnet20"}, "_wandb": {}}
        run.node = {
            "displayName": f"name of {name}",
            "state": "finished",
            "tags": ["digits"],
            "group": "original",
            "jobType": "quick",
            "createdAt": "2026-01-02T03:04:05Z",
            "config": json.dumps({key: {"value": value} for key, value in config.items()}),
            "summaryMetrics": json.dumps({"_step": len(rows) - 1, "outcome": "finished", "train": {"loss": "NaN"}}),
            **node,
        }

    def epochs(self, project: str) -> dict[str, list[int]]:
        """Run id -> the epochs of its rows in the order of arrival, of the runs that logged epochs."""
        runs = [run for (_, found, _), run in self.store.runs.items() if found == project]
        epochs = {run.name: [row["epoch"] for row in run.rows if "epoch" in row] for run in runs}
        return {name: of_run for name, of_run in epochs.items() if of_run}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[Handler], owner: WandbServer) -> None:
        self.owner = owner
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of this server."""

    def end_connections(self) -> None:
        for connection in self.connections:
            with suppress(OSError):  # it may have ended already
                connection.shutdown(socket.SHUT_RDWR)
