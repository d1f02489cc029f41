"""Whether a W&B server can be used, found out in seconds: the client alone takes 90 s and does not name the server."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from experiments.execution.wandb_environment import client_settings

LIMIT_S = 10.0
QUESTION = "query Viewer { viewer { entity } }"


class UnavailableError(Exception):
    """The server cannot be used now: one line that names it and says why."""


@dataclass(frozen=True)
class Server:
    """A server that answers. address: of its pages. entity: the account's own."""

    address: str
    entity: str

    def project(self, entity: str | None, project: str) -> str:
        return f"{self.address}/{entity or self.entity}/{project}"


def check(limit_s: float = LIMIT_S) -> Server:
    """The server that the client would use, once it has answered with the account.

    Raises UnavailableError, or TrackingError for settings that the client rejects.
    """
    settings = client_settings()
    url = settings.base_url
    key = settings.api_key or (requests.utils.get_netrc_auth(url) or (None, None))[1]
    if not key and not settings.identity_token_file:
        raise UnavailableError(f"no API key for {url}: run `wandb login` or set WANDB_API_KEY")
    try:
        reply = requests.post(
            f"{url}/graphql", json={"query": QUESTION}, auth=("api", key) if key else None, timeout=limit_s
        )
    except requests.Timeout:
        raise UnavailableError(f"{url} did not answer within {limit_s:g} s") from None
    except requests.RequestException as error:
        raise UnavailableError(f"{url} cannot be reached ({_cause(error)})") from None
    if reply.status_code in (401, 403):
        if not key:  # the client will trade its identity token for a key
            return Server(settings.app_url, "")
        raise UnavailableError(f"{url} refuses the API key (status {reply.status_code}): run `wandb login` again")
    if reply.status_code >= 500:
        raise UnavailableError(f"{url} answers with an error (status {reply.status_code})")
    try:
        viewer = reply.json()["data"]["viewer"]
    except (ValueError, KeyError, TypeError):
        raise UnavailableError(
            f"{url} is not a W&B server (status {reply.status_code}): check WANDB_BASE_URL"
        ) from None
    if viewer is None:
        raise UnavailableError(f"{url} does not know the API key: run `wandb login` again")
    return Server(settings.app_url, viewer["entity"])


def _cause(error: BaseException) -> str:
    """The operating system's words, from below the libraries'."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        reason = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
        cause = reason if isinstance(reason, BaseException) else cause.__cause__ or cause.__context__
    return type(error).__name__
