"""Waking Airflow over its REST API (``/api/v2``), the embedded one or one's own."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import urllib3

from adapters.errors import Misconfigured, NotFound, Transient
from adapters.settings import Settings

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0


class RunState(StrEnum):
    """State of a DAG run, in Airflow's words."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether the run will not change any more."""
        return self in {RunState.SUCCESS, RunState.FAILED}


class AirflowClient:
    """Calls one Airflow.

    Args:
        url: its address, without ``/api/v2``.
        token: a token of one's own making; else user and password fetch one where it is needed.
        user: login name for ``/auth/token``.
        password: its password.
    """

    def __init__(self, url: str, token: str = "", user: str = "", password: str = "") -> None:
        self._url = url.rstrip("/")
        self._given_token = token
        self._token = token
        self._user = user
        self._password = password
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS), retries=False
        )

    @classmethod
    def of(cls, settings: Settings) -> "AirflowClient":
        """The client that the settings describe.

        Raises:
            Misconfigured: there is no address.
        """
        settings.require("airflow_url")
        return cls(settings.airflow_url, settings.airflow_token, settings.airflow_user, settings.airflow_password)

    def trigger(self, dag_id: str, conf: Mapping[str, Any], run_id: str) -> str:
        """Start a run of a DAG; starting the same run again changes nothing.

        Args:
            dag_id: which DAG.
            conf: the run's parameters, as JSON.
            run_id: the run's name, chosen by the caller so that a repeated call meets the same run.

        Returns:
            The run's name.

        Raises:
            NotFound: Airflow does not know the DAG (yet).
            Transient: Airflow does not answer; a DAG that looks every minute finds what this call missed.
            Misconfigured: Airflow refuses our login.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        status, _ = self._call("POST", f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns", body)
        if status == 404:
            raise NotFound("airflow.no_dag", "Airflow does not know the DAG {dag}.", dag=dag_id)
        if status not in {200, 201, 409}:
            raise _unexpected(status)
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> RunState:
        """How far a run is.

        Raises:
            NotFound: there is no such run.
            Transient: Airflow does not answer.
            Misconfigured: Airflow refuses our login.
        """
        status, body = self._call("GET", f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}")
        if status == 404:
            raise NotFound("airflow.no_run", "Airflow does not know the run {run} of {dag}.", run=run_id, dag=dag_id)
        if status != 200:
            raise _unexpected(status)
        return RunState(body["state"])

    def health(self) -> dict[str, str]:
        """State of Airflow's parts (``metadatabase``, ``scheduler``, ``dag_processor``): ``healthy`` or not.

        Raises:
            Transient: Airflow does not answer.
        """
        status, body = self._request("GET", "/api/v2/monitor/health", None)
        if status != 200:
            raise _unexpected(status)
        return {name: str((part or {}).get("status")) for name, part in body.items() if name != "triggerer"}

    def check_login(self) -> None:
        """Make sure that Airflow answers and takes our login.

        Raises:
            Transient: it does not answer.
            Misconfigured: it refuses us; the sentence names the settings.
        """
        status, _ = self._call("GET", "/api/v2/dags?limit=1")
        if status != 200:
            raise _unexpected(status)

    def _call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        if not self._token:
            self._token = self._fetch_token()
        status, answer = self._request(method, path, body)
        if status == 401 and not self._given_token:  # the token ran out, or Airflow was set up anew
            self._token = self._fetch_token()
            status, answer = self._request(method, path, body)
        if status in {401, 403}:
            raise _refused(self._url)
        return status, answer

    def _fetch_token(self) -> str:
        status, body = self._request("POST", "/auth/token", {"username": self._user, "password": self._password})
        if status != 201:
            raise _refused(self._url) if status in {400, 401, 403, 422} else _unexpected(status)
        return str(body["access_token"])

    def _request(self, method: str, path: str, body: object) -> tuple[int, Any]:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(
                method, self._url + path, body=None if body is None else json.dumps(body), headers=headers
            )
            return answer.status, answer.json() if answer.data else None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Transient(
                "airflow.unreachable",
                "Airflow at {url} does not answer ({reason}). Start it, or correct SHUNIU_AIRFLOW_URL.",
                url=self._url,
                reason=type(error).__name__,
            ) from error


def _refused(url: str) -> Misconfigured:
    return Misconfigured(
        "airflow.login_refused",
        "Airflow at {url} refuses our login. Set SHUNIU_AIRFLOW_TOKEN, or SHUNIU_AIRFLOW_USER and "
        "SHUNIU_AIRFLOW_PASSWORD, to an account that may read DAGs and start runs.",
        url=url,
    )


def _unexpected(status: int) -> Transient:
    return Transient("airflow.unexpected", "Airflow answered with status {status}.", status=status)
