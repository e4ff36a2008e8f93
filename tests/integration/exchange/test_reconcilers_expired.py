"""The exchange's tables beside a log whose older texts have expired: what is not known is no accusation."""

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.settings import Settings
from audit.reconcile import Reconciler
from tests.integration.exchange.conftest import Case
from tests.integration.exchange.test_reconcilers import registered, tell
from tests.integration.expired import archived_away, pieces
from tests.integration.portal.test_api_evidence import sequenced

__all__ = ["registered"]


def test_what_has_expired_accuses_nobody(
    committed_case: Case, registered: dict[str, Reconciler], fresh: dict[str, str]
) -> None:
    tell(committed_case).session.commit()
    settings = Settings.load(fresh)
    sequenced(settings)
    found = {}
    with Session(create_engine(settings.database_url, poolclass=NullPool)) as owner:
        for first, end in list(pieces(owner, 8)):
            archived_away(owner, first, end)
            accused = {name for name, check in registered.items() if list(check(owner))}
            if accused:
                found[first, end] = accused
            owner.rollback()
    assert found == {}
