"""The portal as a WSGI application: ``granian --interface wsgi --factory portal.app:create_app``."""

import logging

from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import portal.api
import portal.pages
from adapters.settings import Settings
from audit.log_keys import promise_signer
from portal import edge, filters, i18n, layout
from portal.secure import secure
from portal.starts import record_start
from portal.wiring import wire

log = logging.getLogger("shuniu.portal")


def create_app(settings: Settings | None = None) -> edge.Portal:
    """Build the application.

    Args:
        settings: None reads them from the environment, as a server's process does; its start is written down.

    Raises:
        Misconfigured: a setting that the portal cannot do without is missing.
    """
    serves = settings is None
    settings = settings or Settings.load()
    settings.require("secret_key", "promise_key")
    promise_signer(settings)  # a wrong one is said now, and not by the first answer that carries a promise
    wire(settings)
    if serves:
        record_start(settings, "portal")
    app = edge.Portal("portal")
    app.settings = settings
    app.config.update(SECRET_KEY=settings.secret_key, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=True)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]  # Flask's documented way
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # the default provider has it
    i18n.install(app)
    edge.install(app)
    protect = CSRFProtect(app)
    secure(app, settings.portal_url)
    filters.install(app)
    for part in portal.pages.ALL:
        app.register_blueprint(part.blueprint)
    for blueprint in portal.api.ALL:
        protect.exempt(blueprint)
        app.register_blueprint(blueprint)
    layout.install(app, portal.pages.ALL)
    return app
