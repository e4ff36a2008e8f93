"""Point 2: three agencies catalogue their data; everything is reviewed by others, returned once, mended, published."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.catalogue.compile import draft_resource, edit_version
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.publish import publish_version
from directory.catalogue.queries import version as version_of
from directory.catalogue.review import approve_version, return_version
from directory.catalogue.secrecy import review_secrecy
from directory.catalogue.submit import submit_version
from directory.systems.register import allow_address, register_system
from portal.demo.cast import CIVIL_AFFAIRS, MARKET, SYSTEM_ADMINISTRATOR
from portal.demo.entries import (
    CASES,
    CIVIL_SYSTEM,
    COUNTER_TERRORISM_LAW,
    DIVISION_ITEMS,
    DIVISIONS,
    LEGAL_ENTITIES,
    LEGAL_ENTITY_ITEMS,
    MARKET_SYSTEM,
    Fields,
    case_items,
)
from portal.demo.market import market
from portal.demo.stage import Stage, expect
from portal.demo.story.people import agency_id


@dataclass(frozen=True)
class Entry:
    """An entry on its way: who handles it, and what its first draft got wrong.

    Args:
        key: how the story calls it.
        flaw: fields of the first draft that differ from the mended entry.
        path, reason: what the reviewer says about the flaw.
    """

    key: str
    compiler: str
    reviewer: str
    secrecy: str
    entry: Fields
    items: Sequence[Fields]
    flaw: Mapping[str, Any]
    path: str
    reason: str
    document: str


DIVISIONS_ENTRY = Entry(
    "divisions",
    "zhouwen",
    "wumin",
    "wumin",
    DIVISIONS,
    DIVISION_ITEMS,
    {"update_cycle": "REAL_TIME"},
    "update_cycle",
    "区划代码由国家统计局每年公布一次,更新周期应为每年",
    "市民政局保审〔2026〕3号",
)
LEGAL_ENTITIES_ENTRY = Entry(
    "entities",
    "chensiyuan",
    "lijing",
    "zhaogang",
    LEGAL_ENTITIES,
    LEGAL_ENTITY_ITEMS,
    {"abstract": "企业的登记事项"},
    "abstract",
    "还包括农民专业合作社与个体工商户,摘要不完整",
    "市市监局保审〔2026〕17号",
)
CASES_ENTRY = Entry(
    "cases",
    "zhengqiang",
    "fenglin",
    "xunuo",
    CASES,
    case_items(COUNTER_TERRORISM_LAW),
    {"keywords": ["人员"]},
    "keywords",
    "关键字不能让人查到本条目",
    "市公安局保审〔2026〕88号",
)


def register_systems(stage: Stage) -> str:
    """Providers register the systems that own the sources; the operator lets the hub call one address."""
    civil, provider = agency_id(stage, CIVIL_AFFAIRS), agency_id(stage, MARKET)
    stage.make("system.civil", "zhouwen", partial(register_system, agency_id=civil, name=CIVIL_SYSTEM))
    system = stage.make("system.market", "chensiyuan", partial(register_system, agency_id=provider, name=MARKET_SYSTEM))
    host, port = market(stage).address
    allow = partial(allow_address, system_id=system, host=host, port=port)
    stage.refused("chensiyuan", allow, "permission.role")
    stage.once("system.market.address", SYSTEM_ADMINISTRATOR, allow)
    return f"{CIVIL_SYSTEM}, {MARKET_SYSTEM}; the hub may call {host}:{port} and nothing else"


def catalogue_divisions(stage: Stage) -> str:
    """The civil affairs bureau's entry: every agency's without asking. Its compiler may not review it."""
    version_id = _compile(stage, DIVISIONS_ENTRY)
    if not _is(stage, version_id, VersionState.PUBLISHED):
        stage.refused("zhouwen", partial(approve_version, version_id=version_id), "permission.own_work")
    return _review_and_publish(stage, DIVISIONS_ENTRY, version_id, "UNIVERSAL")


def catalogue_legal_entities(stage: Stage) -> str:
    """The market regulator's entry: on request, some items sensitive. A form filled from an old version is stale."""
    version_id = _compile(stage, LEGAL_ENTITIES_ENTRY)
    if not _is(stage, version_id, VersionState.PUBLISHED):
        old = partial(
            edit_version, version_id=version_id, entry=LEGAL_ENTITIES, items=numbered(LEGAL_ENTITY_ITEMS), expected=1
        )
        stage.refused("chensiyuan", old, "version.stale")
    return _review_and_publish(stage, LEGAL_ENTITIES_ENTRY, version_id, "ON_REQUEST")


def catalogue_cases(stage: Stage) -> str:
    """The public security bureau's entry: not shared, which is refused without a basis and accepted with one."""
    baseless = partial(draft_resource, entry=CASES, items=numbered(case_items(None)))
    refusal = stage.refused("zhengqiang", baseless, "entry.invalid")
    version_id = _compile(stage, CASES_ENTRY)
    published = _review_and_publish(stage, CASES_ENTRY, version_id, "NO_SHARING")
    return f"{published}; without a basis: {refusal}"


def publish_entry(stage: Stage, entry: Entry, attribute: str) -> str:
    """Take an entry all the way: compiled, returned once, mended, reviewed, published.

    Args:
        attribute: the share attribute that the version must derive.
    """
    return _review_and_publish(stage, entry, _compile(stage, entry), attribute)


def numbered(items: Sequence[Fields]) -> list[Fields]:
    """Items with their positions."""
    return [{**item, "position": number} for number, item in enumerate(items, start=1)]


def version_id_of(stage: Stage, entry: Entry) -> uuid.UUID:
    """Id of the version of an entry that the story published."""
    return uuid.UUID(stage.made[f"version.{entry.key}"])


def resource_id_of(stage: Stage, entry: Entry) -> uuid.UUID:
    """Id of the resource of an entry."""
    return stage.read(lambda session: session.get_one(ResourceVersion, version_id_of(stage, entry)).resource_id)


def _compile(stage: Stage, entry: Entry) -> uuid.UUID:
    """Draft with a flaw, submit, be returned with a reason, mend, submit again."""
    items = numbered(entry.items)
    draft = partial(draft_resource, entry={**entry.entry, **entry.flaw}, items=items)
    version_id = stage.make(f"version.{entry.key}", entry.compiler, draft)
    submit = partial(submit_version, version_id=version_id)
    stage.once(f"version.{entry.key}.submitted", entry.compiler, submit)
    back = partial(
        return_version,
        version_id=version_id,
        reasons=[{"path": entry.path, "reason": entry.reason}],
        accurate=False,
        comment="请修改后重新提交",
    )
    stage.once(f"version.{entry.key}.returned", entry.reviewer, back)

    def mend(session: Session, actor: Actor) -> ResourceVersion:
        shown = version_of(session, actor, version_id)
        return edit_version(session, actor, version_id, entry.entry, items, expected=shown.lock_version)

    stage.once(f"version.{entry.key}.mended", entry.compiler, mend)
    stage.once(f"version.{entry.key}.submitted_again", entry.compiler, submit)
    return version_id


def _review_and_publish(stage: Stage, entry: Entry, version_id: uuid.UUID, attribute: str) -> str:
    name = f"version.{entry.key}"
    if not _is(stage, version_id, VersionState.PUBLISHED):
        publish = partial(publish_version, version_id=version_id)
        stage.once(f"{name}.approved", entry.reviewer, partial(approve_version, version_id=version_id, comment="无误"))
        if f"{name}.secrecy" not in stage.made:
            stage.refused(entry.compiler, publish, "version.no_secrecy_review")
        secrecy = partial(review_secrecy, version_id=version_id, passed=True, document=entry.document)
        stage.once(f"{name}.secrecy", entry.secrecy, secrecy)
        stage.once(f"{name}.published", entry.compiler, publish)
    code, found = stage.act(entry.compiler, partial(_code_and_attribute, version_id=version_id))
    expect(found == attribute, f"the entry to be {attribute}, not {found}")
    return f"{entry.entry['name']} {code} is {attribute}: returned once, mended, published"


def _code_and_attribute(session: Session, actor: Actor, version_id: uuid.UUID) -> tuple[str, str]:
    shown = version_of(session, actor, version_id)
    return shown.resource.code, shown.share_attribute


def _is(stage: Stage, version_id: uuid.UUID, state: VersionState) -> bool:
    return stage.read(lambda session: session.get_one(ResourceVersion, version_id).state == state)
