"""A case with programs of its agencies, over loaded rows: what the tests of the native API's routes start from."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pyarrow as pa
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.serving import Serving, table_name
from audit.models import Evidence
from directory.agencies.models import Agency
from directory.datasets.models import DatasetState, DatasetVersion
from directory.people.models import ApiClient, ApiToken
from directory.people.secrets import new_token, token_hash
from exchange.applications.models import Application
from exchange.grants.models import Grant
from exchange.hooks import on_published
from portal.edge import Portal
from schemas.contracts import validate
from tests import factories
from tests.integration.exchange.conftest import Case, _case

LOADED = pa.table({"open_1": ["o"] * 3, "ask_2": ["a", "b", "b"], "ask_3": ["1", "2", "3"], "kept_5": ["secret"] * 3})


@dataclass
class World:
    """A case with its program clients, a granted application and the standing grant, over loaded rows."""

    portal: Portal
    case: Case
    session: Session
    asks: FlaskClient
    gives: FlaskClient
    stranger: FlaskClient
    application: Application
    granted: Grant
    standing: Grant
    dataset: DatasetVersion

    def question(self, **changes: Any) -> dict[str, Any]:
        return {"key": {"ask_2": "b"}, "purpose": self.granted.purpose, "matter": "办件-17", **changes}

    def look_up(self, client: FlaskClient, **changes: Any) -> Any:
        return client.post(f"/api/v1/grants/{self.granted.id}/records", json=self.question(**changes))

    def evidence(self, kind: str) -> list[dict[str, Any]]:
        self.session.rollback()
        bodies = self.session.scalars(select(Evidence.body).where(Evidence.kind == kind).order_by(Evidence.recorded_at))
        return [orjson.loads(body) for body in bodies]


def made(portal: Portal, session: Session) -> World:
    """The world, committed."""
    case = _case(session)
    dataset = DatasetVersion(
        resource_id=case.version.resource_id,
        resource_version_id=case.version.id,
        number=1,
        state=DatasetState.SERVED,
        location="lake/x",
        delta_version=0,
        **{"rows_source": 4, "rows_read": 4, "rows_good": 3, "rows_set_aside": 1},
    )
    session.add(dataset)
    session.flush()
    dataset.serving_table = table_name(dataset.id)
    Serving.of(portal.settings).load(dataset.serving_table, LOADED.schema, LOADED.to_batches(), ["ask_2"])
    on_published(session, case.office, case.version)
    application = case.granted()
    grants = {grant.requester_id: grant for grant in session.scalars(select(Grant))}
    stranger = factories.agency(session)
    session.commit()
    return World(
        portal,
        case,
        session,
        program(portal, session, case.requester),
        program(portal, session, case.provider),
        program(portal, session, stranger),
        application,
        grants[case.requester.id],
        grants[None],
        dataset,
    )


def program(portal: Portal, session: Session, agency: Agency, *roles: str) -> FlaskClient:
    """A client of the API with a live token of a new program of the agency; ``roles`` are those of its official."""
    name, token = factories.client(session, agency, *roles).client_id, new_token()
    client_id = session.scalars(select(ApiClient.id).where(ApiClient.client_id == name)).one()
    later = system_now() + timedelta(hours=1)
    session.add(ApiToken(token_hash=token_hash(token), api_client_id=client_id, expires_at=later))
    session.commit()
    client = portal.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an answer, which must be a problem that keeps to its contract."""
    assert answer.content_type == "application/problem+json", answer.get_data(as_text=True)
    assert validate("problem", answer.get_json()) == []
    return answer.status_code, answer.get_json()["code"]
