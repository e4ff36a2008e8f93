"""Whether the portal works: for the supervisor, a load balancer, a monitor."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.access import PUBLIC, access
from portal.edge import current_session
from portal.pages.frame import Pages

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@access(PUBLIC)
def show() -> ResponseReturnValue:
    """200 when the database answers (else the edge says 503); no detail, because anybody may ask."""
    current_session().execute(text("SELECT 1"))
    return {"status": "ok"}


PAGES = Pages(blueprint)
