"""What the test server answers about artifacts: made, listed in a manifest, filled, committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.wandb_server import Store

Variables = dict[str, Any]


def artifact_type(store: Store, url: str, v: Variables) -> dict[str, Any]:
    """None: there is no such artifact yet."""
    return {"project": {"artifact": None}}


def create(store: Store, url: str, v: Variables) -> dict[str, Any]:
    """The same content again is the same artifact."""
    given = v["input"]
    name = given["artifactCollectionName"] if "artifactCollectionName" in given else given["artifactCollectionNames"][0]
    key = f"{name}-{given['digest']}"
    state = "COMMITTED" if key in store.artifacts else "PENDING"
    store.artifacts.setdefault(key, {"name": name, "type": given["artifactTypeName"], "files": []})
    latest = {"id": key, "versionIndex": 0}
    return {"createArtifact": {"artifact": {"id": key, "state": state, "artifactSequence": {"latestArtifact": latest}}}}


def manifest(store: Store, url: str, v: Variables) -> dict[str, Any]:
    place = f"{url}/artifacts/{v.get('artifactID') or v['artifactManifestID']}/{v.get('name') or 'manifest'}"
    file = {"id": "1", "uploadUrl": place, "uploadHeaders": []}
    made = {"artifactManifest": {"id": v.get("artifactID") or v["artifactManifestID"], "file": file}}
    return {"createArtifactManifest": made, "updateArtifactManifest": made}


def files(store: Store, url: str, v: Variables) -> dict[str, Any]:
    nodes = []
    for asked in v["input"]["artifactFiles"]:
        key, name = asked["artifactID"], asked["name"]
        store.artifacts[key]["files"].append(name)
        node = {"storagePath": None, "uploadUrl": f"{url}/artifacts/{key}/{name}", "uploadHeaders": []}
        nodes.append({**node, "uploadMultipartUrls": None, "artifact": {"id": key}})
    return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}


def commit(store: Store, url: str, v: Variables) -> dict[str, Any]:
    return {"commitArtifact": {"artifact": {"id": v["artifactID"], "digest": v["artifactID"].rpartition("-")[2]}}}
