"""The API described by itself: OpenAPI 3.1, and a page to read and try it."""

from flask import Response, current_app, make_response, render_template

from portal.access import PUBLIC, access
from portal.api.endpoint import endpoint, version_one
from portal.api.openapi import description
from portal.secure import POLICY_API_PAGE

blueprint = version_one("description")


@blueprint.get("/openapi.json")
@endpoint("This description (OpenAPI 3.1)", response={"type": "object", "additionalProperties": True}, admits=PUBLIC)
def openapi() -> object:
    """The description, made from what the routes declare."""
    return description(current_app)


@blueprint.get("/docs")
@access(PUBLIC)
def page() -> Response:
    """A page over the description, with Swagger UI from this portal."""
    answer = make_response(render_template("api/docs.html"))
    answer.headers["Content-Security-Policy"] = POLICY_API_PAGE
    return answer
