"""An entry whose archive has expired: its page shows its columns, its proof goes on being handed out."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from adapters.clock import system_now
from adapters.database import transaction
from audit.append import append
from audit.archive.models import LogArchive
from audit.models import LogLeaf
from directory.people.roles import Role
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_api_evidence import sequenced


def test_an_expired_entry_is_shown_by_its_columns_and_proved(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    settings, now = portal.settings, system_now()
    with transaction(settings.app_database_url) as session:
        entry = append(session, "grant.suspended", "grant/1", people.actors[Role.REQUESTER], personal={"name": "张三"})
    sequenced(settings)
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    here = f"/evidence/{entry.id}"
    proof = auditor.get(f"{here}/proof").data
    with transaction(settings.database_url) as session:
        index = session.query(LogLeaf).filter_by(evidence_id=entry.id).one().leaf_index
        session.execute(text("DELETE FROM evidence_text WHERE evidence_id = :id"), {"id": entry.id})
        ended = {"archived_at": now - timedelta(days=2_000), "retain_until": now, "expired_at": now}
        file = {"digest": "0" * 64, "key": "log/archive/000000", "version": "1", "header_bytes": 1, "bytes": 1}
        session.add(LogArchive(number=0, first_index=0, end_index=index + 1, **file, **ended))
    answer = auditor.get(here)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "was deleted when its period of keeping was over" in page
    assert ("Grant suspended" in page, entry.leaf_hash.hex()[:8] in page) == (True, True)
    assert ("Download the proof" in page, "Download the entry" in page, "Open them" in page) == (True, False, False)
    assert auditor.get(f"{here}/proof").data == proof
    assert auditor.get(f"{here}/entry.json").status_code == 409
    assert browser(people.logins[Role.SYSTEM_ADMINISTRATOR]).get(here).status_code == 403
