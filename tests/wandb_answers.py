"""What the test server answers to the GraphQL queries of wandb 0.31: one function per query that the client sends."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests import wandb_artifacts

if TYPE_CHECKING:
    from tests.wandb_server import Run, Store

Variables = dict[str, Any]
ENTITY = "lab"
PAGE = 2  # runs per page, so that the client has to turn pages
USER = {
    "id": "VXNlcjox", "name": "tester", "username": "tester", "email": "t@example.invalid", "admin": False,
    "entity": ENTITY, "flags": "{}", "deletedAt": None, "apiKeys": {"edges": []},
    "teams": {"edges": [{"node": {"name": ENTITY}}]},
}  # fmt: skip
# What a run's mutation sets: variable -> field.
SET_BY_RUN = {"groupName": "group"} | {
    name: name for name in ("config", "displayName", "notes", "jobType", "tags", "state", "summaryMetrics", "commit")
}


def answer(store: Store, url: str, query: str, variables: Variables) -> dict[str, Any]:
    """The answer's data. Raises LookupError for a query that is not known here."""
    for marker, reply in ANSWERS.items():
        if marker in query:
            return reply(store, url, variables)
    raise LookupError("unknown query")


def node(run: Run) -> dict[str, Any]:
    """A run as queries read it."""
    steps = [row.get("_step", 0) for row in run.rows]
    keys = {key: {"typeCounts": [{"type": "number", "count": len(run.rows)}]} for row in run.rows for key in row}
    return {
        "id": encoded(f"Run:v1:{run.name}:{run.project}:{run.entity}"), "projectId": "1", "name": run.name,
        "displayName": run.name, "state": "running", "tags": [], "group": None, "jobType": None, "commit": None,
        "readOnly": False, "createdAt": now(), "heartbeatAt": now(), "description": None, "notes": None,
        "sweepName": None, "config": "{}", "summaryMetrics": "{}", "systemMetrics": "{}", "user": USER,
        "fileCount": 0, "historyLineCount": len(run.rows),
        "historyKeys": {"lastStep": max(steps, default=-1), "keys": keys},
        "project": {"id": "1", "name": run.project, "entity": {"name": run.entity}}, **run.node,
    }  # fmt: skip


def viewer(store: Store, url: str, v: Variables) -> dict[str, Any]:
    return {"viewer": USER, "serverInfo": {"features": []}}


def server_info(store: Store, url: str, v: Variables) -> dict[str, Any]:
    versions = {"max_cli_version": "99.0.0"}
    return {"serverInfo": {"cliVersionInfo": versions, "latestLocalVersionInfo": None, "features": []}}


def organisation(store: Store, url: str, v: Variables) -> dict[str, Any]:
    return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}


def upsert_project(store: Store, url: str, v: Variables) -> dict[str, Any]:
    project = {"id": "1", "name": v.get("project") or v.get("name"), "entityName": v.get("entity") or ENTITY}
    store.projects.add((project["entityName"], project["name"]))
    model = {**project, "description": None, "access": None, "views": None}
    return {"upsertModel": {"model": model, "project": project, "inserted": True}}


def list_projects(store: Store, url: str, v: Variables) -> dict[str, Any]:
    names = [project for entity, project in sorted(store.projects) if entity == of_project(v)[0]]
    about = {"__typename": "Project", "entityName": of_project(v)[0], "createdAt": now(), "isBenchmark": False}
    edges = [{"cursor": name, "node": {**about, "id": name, "name": name, "user": USER}} for name in names]
    page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
    return {"models": {"pageInfo": page, "edges": edges}}


def upsert_run(store: Store, url: str, v: Variables) -> dict[str, Any]:
    run, inserted = store.run(v.get("entity") or ENTITY, v["project"], v["name"])
    run.node |= {SET_BY_RUN[name]: value for name, value in v.items() if name in SET_BY_RUN and value is not None}
    run.node.setdefault("createdAt", now())
    return {"upsertBucket": {"bucket": node(run), "inserted": inserted}}


def upsert_view(store: Store, url: str, v: Variables) -> dict[str, Any]:
    store.views.append(v)
    project = {"id": "1", "name": v.get("projectName"), "entityName": v.get("entityName")}
    kept = {name: v.get(name) for name in ("type", "name", "displayName", "description", "spec")}
    view = {"id": encoded(f"View:{len(store.views)}"), "updatedAt": now(), "createdAt": now(), "project": project}
    return {"upsertView": {"view": view | kept, "inserted": True}}


def create_files(store: Store, url: str, v: Variables) -> dict[str, Any]:
    place = f"{url}/files/{v.get('entity') or ENTITY}/{v['project']}/{v.get('run') or v.get('runName')}"
    files = [{"name": name, "uploadUrl": f"{place}/{name}"} for name in v.get("files") or []]
    return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}


def list_runs(store: Store, url: str, v: Variables) -> dict[str, Any]:
    found = [run for (entity, project, _), run in store.runs.items() if (entity, project) == of_project(v)]
    if of_project(v) not in store.projects:
        return {"project": None}
    wanted = json.loads(v.get("filters") or "{}")
    nodes = [shown for shown in map(node, found) if matches(shown, wanted)]
    first = int(v.get("cursor") or 0)
    edges = [{"node": shown, "cursor": str(at)} for at, shown in enumerate(nodes, 1)][first : first + PAGE]
    more = {"endCursor": str(first + PAGE), "hasNextPage": first + PAGE < len(nodes)}
    listed = {"totalCount": len(nodes), "edges": edges, "pageInfo": more}
    return {"project": {"internalId": "1", "id": "1", "runCount": len(nodes), "readOnly": False, "runs": listed}}


def matches(shown: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """The part of the filters' language that is used: fields, $and, $or, $in, $ne."""
    for key, value in wanted.items():
        if key in ("$and", "$or"):
            fits = (all if key == "$and" else any)(matches(shown, part) for part in value)
        elif isinstance(value, dict):
            operators = {"$in": lambda found, given: found in given, "$ne": lambda found, given: found != given}
            fits = all(operators[name](shown.get(key), given) for name, given in value.items())
        else:
            fits = shown.get(key) == value
        if not fits:
            return False
    return True


def resume_status(store: Store, url: str, v: Variables) -> dict[str, Any]:
    run = run_of(store, v)
    if run is None:
        return {"model": {"bucket": None}}
    last = json.dumps([json.dumps(row) for row in run.rows[-1:]])
    counts = {"logLineCount": 0, "eventsLineCount": 0, "historyTail": last, "eventsTail": "[]"}
    return {"model": {"bucket": {**node(run), **counts, "wandbConfig": '{"t": 1}'}}}


def handed_out(run: Run) -> list[dict[str, Any]]:
    return run.rows[: len(run.rows) - run.lost]


def parquet_history(store: Store, url: str, v: Variables) -> dict[str, Any]:
    return of_run(store, v, lambda run: {"parquetHistory": {"parquetUrls": [], "liveData": handed_out(run)}})


def history(store: Store, url: str, v: Variables) -> dict[str, Any]:
    steps = range(v["minStep"], v["maxStep"])
    return of_run(
        store, v, lambda run: {"history": [json.dumps(row) for row in handed_out(run) if row["_step"] in steps]}
    )


def list_files(store: Store, url: str, v: Variables) -> dict[str, Any]:
    def files(run: Run) -> dict[str, Any]:
        place = f"/files/{run.entity}/{run.project}/{run.name}/"
        nodes = [
            {"id": path, "name": path.removeprefix(place), "url": f"{url}{path}", "directUrl": f"{url}{path}",
             "sizeBytes": len(content), "mimetype": "", "updatedAt": now(), "md5": "", "digest": ""}
            for path, content in store.files.items() if path.startswith(place)
        ]  # fmt: skip
        edges = [{"node": shown, "cursor": shown["name"]} for shown in nodes]
        listed = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        return {"fileCount": len(edges), "files": listed}

    return of_run(store, v, files)


def stopped(store: Store, url: str, v: Variables) -> dict[str, Any]:
    return {"project": {"run": {"stopped": False}}}


def describe(store: Store, url: str, v: Variables) -> dict[str, Any]:
    if of_project(v) not in store.projects:
        return {"project": None}
    return of_run(store, v, lambda run: {})


def of_run(store: Store, v: Variables, more: Callable[[Run], dict[str, Any]]) -> dict[str, Any]:
    run = run_of(store, v)
    return {"project": {"id": "1", "internalId": "1", "run": run and {**node(run), **more(run)}}}


def run_of(store: Store, v: Variables) -> Run | None:
    name = next((v[key] for key in ("name", "runName", "run") if v.get(key)), "")
    return store.runs.get((*of_project(v), name))


def of_project(v: Variables) -> tuple[str, str]:
    return (v.get("entity") or v.get("entityName") or ENTITY, v.get("project") or v.get("projectName") or "")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# Part of a query -> its answer; the first that fits.
ANSWERS: dict[str, Callable[[Store, str, Variables], dict[str, Any]]] = {
    "query ArtifactType": wandb_artifacts.artifact_type,
    "createArtifactManifest": wandb_artifacts.manifest,
    "updateArtifactManifest": wandb_artifacts.manifest,
    "createArtifactFiles": wandb_artifacts.files,
    "commitArtifact": wandb_artifacts.commit,
    "createArtifact": wandb_artifacts.create,
    "upsertModel": upsert_project,
    "models(": list_projects,
    "upsertBucket": upsert_run,
    "upsertView": upsert_view,
    "createRunFiles": create_files,
    "runs(": list_runs,
    "historyTail": resume_status,
    "parquetHistory": parquet_history,
    "history(": history,
    "files(": list_files,
    "shouldStop": stopped,
    "stopped": stopped,
    "coreWeaveOrganizationId": organisation,
    "viewer": viewer,
    "serverInfo": server_info,
    "project(": describe,
}
