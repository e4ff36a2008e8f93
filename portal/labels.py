"""How the words of enumerations read: states here, words of documents from their code lists in ``schemas/codes``.

Templates write ``{{ version.state|label("VersionState") }}``: columns hold plain text, so the enumeration is named.
"""

from enum import StrEnum
from functools import cache

from flask import has_request_context
from flask_babel import gettext

from portal.evidence_kinds import EVIDENCE_KINDS
from portal.languages import N_, is_chinese
from portal.refusal_reasons import REASONS
from schemas.code_lists import CodeList, code_lists

CODE_LISTS = {
    "ShareAttribute": "share-attributes",
    "OpenAttribute": "open-attributes",
    "Mode": "modes",
    "BasisKind": "bases",
    "Sensitivity": "sensitivities",
    "SecrecyLevel": "secrecy-levels",
    "UpdateCycle": "update-cycles",
    "DataType": "data-types",
    "ResourceClass": "resource-classes",
    "SubjectKind": "subject-kinds",
    "IdentifierKind": "identifier-kinds",
    "Masking": "masking",
    "AgencyKind": "agency-kinds",
    "AgencyLevel": "agency-levels",
}
"""Enumerations whose labels are a document's code list."""

LABELS: dict[str, dict[str, str]] = {
    "VersionState": {
        "DRAFT": N_("Draft"),
        "SUBMITTED": N_("In review"),
        "RETURNED": N_("Returned"),
        "APPROVED": N_("Approved"),
        "PUBLISHED": N_("Published"),
        "SUPERSEDED": N_("Superseded"),
        "WITHDRAWN": N_("Withdrawn"),
    },
    "UniversalGround": {
        "BASIC_DATA": N_("Basic, reference or identifying data"),
        "PROVIDER_DECIDED": N_("The provider shares it without condition"),
        "LEADING_GROUP_DECIDED": N_("The leading group decided it"),
    },
    "ApplicationState": {
        "DRAFT": N_("Draft"),
        "FORM_GENERATED": N_("Form generated"),
        "RECEIVED": N_("Received, answer due"),
        "AGREEMENT_PENDING": N_("Agreement to be signed"),
        "GRANTED": N_("Granted"),
        "REFUSED": N_("Refused"),
        "IN_DISPUTE": N_("In dispute"),
        "ANSWER_DIRECTED": N_("New answer directed"),
        "CLOSED": N_("Closed"),
    },
    "DestructionState": {"ASKED": N_("To be decided"), "CONFIRMED": N_("Destroyed"), "DECLINED": N_("Declined")},
    "Decision": {"AGREED": N_("Agreed"), "REFUSED": N_("Refused")},
    "AgreementState": {
        "PROPOSED": N_("Proposed"),
        "IN_FORCE": N_("In force"),
        "TERMINATED": N_("Terminated"),
    },
    "GrantState": {"ACTIVE": N_("Active"), "SUSPENDED": N_("Suspended"), "ENDED": N_("Ended")},
    "ReleaseState": {
        "AUTHORISED": N_("Authorised"),
        "COMPLETED": N_("Completed"),
        "ABORTED": N_("Aborted"),
        "UNKNOWN": N_("Outcome unknown"),
    },
    "DeliveryState": {
        "REQUESTED": N_("Requested"),
        "PREPARED": N_("Ready to fetch"),
        "DELIVERED": N_("Delivered"),
        "ACKNOWLEDGED": N_("Acknowledged"),
        "FAILED": N_("Failed"),
        "REVOKED": N_("Revoked"),
    },
    "DisputeState": {
        "OPEN": N_("Open"),
        "CONCLUDED": N_("Concluded"),
        "ESCALATED": N_("Escalated"),
        "RULED": N_("Ruled"),
        "WITHDRAWN": N_("Taken back"),
    },
    "Outcome": {
        "ANSWER_ANEW": N_("The provider answers anew"),
        "REFUSAL_STANDS": N_("The refusal stands"),
        "RULED_TO_SHARE": N_("Ruled to share"),
    },
    "NeedState": {
        "RAISED": N_("Raised"),
        "ACCEPTED": N_("Accepted"),
        "REFUSED": N_("Refused"),
        "WITHDRAWN": N_("Taken back"),
    },
    "DatasetState": {
        "LOADING": N_("Loading"),
        "READY": N_("Loaded"),
        "SERVED": N_("Served"),
        "FAILED": N_("Failed"),
    },
    "KeyPurpose": {"SIGN": N_("Signing"), "RECEIVE": N_("Receiving")},
    "Connector": {"POSTGRESQL": N_("PostgreSQL table"), "CSV": N_("CSV file")},
    "OnMismatch": {"SET_ASIDE": N_("Set the row aside"), "FLAG": N_("Keep the row and flag it")},
    "FileFormat": {"CSV": N_("CSV file"), "PARQUET": N_("Parquet file"), "PACKAGE": N_("Offline package")},
    "Office": {
        "MEMBER": N_("Member agency"),
        "COORDINATING_OFFICE": N_("Coordinating office"),
        "REGULATOR": N_("Regulator"),
        "AUDIT_OFFICE": N_("Audit office"),
    },
    "WorkState": {
        "WAITING": N_("Waiting"),
        "LEASED": N_("Running"),
        "DONE": N_("Done"),
        "FAILED": N_("Failed"),
    },
    "Service": {
        "WAITING": N_("Waiting for another service"),
        "STARTING": N_("Starting"),
        "HEALTHY": N_("Works"),
        "UNHEALTHY": N_("Does not answer"),
        "RESTARTING": N_("Restarting"),
        "DONE": N_("Done"),
        "STOPPED": N_("Stopped"),
    },
    "WorkKind": {"ingest": N_("Load"), "ingest.part": N_("Part of a load"), "deliver": N_("Delivery")},
    "RefusalCode": REASONS,
    "EvidenceOutcome": {"DONE": N_("Done"), "REFUSED": N_("Refused"), "FAILED": N_("Failed")},
    "EvidenceKind": EVIDENCE_KINDS,
    "Subject": {
        "account": N_("Account"),
        "agency": N_("Agency"),
        "agreement": N_("Agreement"),
        "anomaly": N_("Anomaly"),
        "anomaly_rule": N_("Rule for anomalies"),
        "application": N_("Application"),
        "appointment": N_("Data administrator"),
        "calendar": N_("Calendar"),
        "case_clock": N_("Case clock"),
        "catalogue_change": N_("Change of an entry"),
        "challenge": N_("Proof of a key"),
        "client": N_("Program"),
        "data_subject": N_("Data subject"),
        "dataset_version": N_("Loaded data"),
        "delivery": N_("Delivery"),
        "destruction": N_("Destruction of personal details"),
        "dispute": N_("Dispute"),
        "evidence": N_("Evidence"),
        "export": N_("Export"),
        "grant": N_("Grant"),
        "key": N_("Key"),
        "log_checkpoint": N_("Checkpoint of the log"),
        "log_stall": N_("Signing of the log"),
        "log_store": N_("Log in the object store"),
        "need": N_("Need"),
        "person": N_("Person"),
        "release": N_("Release under grant"),
        "resource": N_("Catalogue entry"),
        "resource_version": N_("Version of an entry"),
        "search": N_("Search"),
        "site_settings": N_("Settings of the hub"),
        "source": N_("Source of entry"),
        "system": N_("Information system"),
        "witness": N_("Witness of the log"),
    },
    "KindGroup": {
        "access": N_("Access"),
        "account": N_("Accounts and sign-ins"),
        "agency": N_("Agencies"),
        "agreement": N_("Agreements"),
        "application": N_("Applications"),
        "anomaly": N_("Anomalies"),
        "anomaly_rule": N_("Rules for anomalies"),
        "appointment": N_("Data administrators"),
        "calendar": N_("Calendars"),
        "case_clock": N_("Case clock"),
        "checkpoint": N_("Hourly checkpoints"),
        "client": N_("Programs"),
        "dataset": N_("Loaded data"),
        "delivery": N_("Deliveries"),
        "dispute": N_("Disputes"),
        "evidence": N_("Evidence"),
        "grant": N_("Grants"),
        "hub": N_("Starts of the hub"),
        "key": N_("Keys"),
        "list": N_("Exported lists"),
        "log": N_("Declarations about the log"),
        "log_store": N_("Log in the object store"),
        "need": N_("Needs"),
        "person": N_("People"),
        "personal": N_("Destruction of personal details"),
        "release": N_("Releases"),
        "resource": N_("Catalogue entries"),
        "role": N_("Roles"),
        "schema": N_("Schema of the database"),
        "secrecy_review": N_("Secrecy reviews"),
        "settings": N_("Settings of the hub"),
        "source": N_("Sources"),
        "system": N_("Information systems"),
        "witness": N_("Witnesses"),
    },
    "Rule": {
        "volume": N_("Far more than usual"),
        "hour": N_("Use at unusual hours"),
        "keys": N_("Keys tried through"),
        "refused": N_("Refused calls in a row"),
        "matter": N_("Use outside the stated case"),
        "unused": N_("A grant never used"),
        "places": N_("One account in two places"),
    },
    "Measured": {
        "day": N_("Day"),
        "value": N_("Measured"),
        "usual": N_("Usual until then"),
        "busiest": N_("Busiest day until then"),
        "limit": N_("Unusual above"),
        "percent": N_("Share in per cent"),
        "runs": N_("In runs of neighbours"),
        "calls": N_("Calls looked at"),
        "minutes": N_("Quickest change, in minutes"),
        "from_hour": N_("Working hours from (hour)"),
        "to_hour": N_("Working hours to (hour)"),
        "since": N_("From"),
        "until": N_("To"),
    },
    "AnomalyState": {"OPEN": N_("Undecided"), "DISMISSED": N_("Dismissed"), "ACTED": N_("Acted on")},
    "RowReason": {
        "BIRTH_DATE": N_("impossible date of birth"),
        "CHARACTER": N_("impossible character"),
        "CHECK_DIGIT": N_("wrong check character"),
        "CODE": N_("not in the code list"),
        "DEPARTMENT": N_("unknown registration department"),
        "DIVISION": N_("impossible administrative division"),
        "DUPLICATE": N_("repeated key"),
        "LENGTH": N_("wrong length"),
        "NUL": N_("holds a zero character"),
        "OLD_FORM": N_("old number of 15 digits"),
        "ORGANISATION_CHECK_DIGIT": N_("organisation code fails its check"),
        "REQUIRED": N_("empty, but required"),
        "SHAPE": N_("not built as its standard says"),
        "TOO_LONG": N_("too long"),
        "TYPE": N_("not of the item's type"),
    },
    "SourceSetting": {
        "host": N_("Host"),
        "port": N_("Port"),
        "database": N_("Database"),
        "schema": N_("Schema"),
        "table": N_("Table"),
        "partition_column": N_("Column to divide large tables by"),
        "encoding": N_("Encoding"),
        "bytes": N_("Size"),
        "sha256": N_("SHA-256"),
    },
    "Operator": {"EQUALS": N_("is"), "IN": N_("is one of"), "PREFIX": N_("begins with")},
    "Suspender": {
        "NOBODY": N_("Suspended"),
        "PROVIDER": N_("Suspended by the provider"),
        "SECURITY": N_("Suspended for security"),
        "HUB": N_("Suspended by the hub, because the catalogue changed"),
    },
    "Role": {
        "COMPILER": N_("Compiler"),
        "REVIEWER": N_("Reviewer"),
        "SECRECY_REVIEWER": N_("Secrecy reviewer"),
        "REQUESTER": N_("Requester"),
        "ANSWERER": N_("Answerer"),
        "SIGNATORY": N_("Signatory"),
        "COORDINATOR": N_("Coordinator"),
        "REGULATOR": N_("Regulator"),
        "AUDITOR": N_("Auditor"),
        "SYSTEM_ADMINISTRATOR": N_("System administrator"),
        "SECURITY_ADMINISTRATOR": N_("Security administrator"),
        "AUDIT_ADMINISTRATOR": N_("Audit administrator"),
        "EMERGENCY": N_("Emergency"),
    },
}
"""Labels of everything else: English here, Chinese in the message catalogue."""
LABELS["ActorRole"] = LABELS["Role"] | {"HUB": N_("The hub"), "CLIENT": N_("Program")}

COLOURS: dict[str, str] = {
    "DRAFT": "secondary",
    "SUBMITTED": "blue",
    "FORM_GENERATED": "blue",
    "REQUESTED": "blue",
    "PROPOSED": "blue",
    "RAISED": "blue",
    "LOADING": "blue",
    "WAITING": "blue",
    "STARTING": "blue",
    "LEASED": "blue",
    "RETURNED": "orange",
    "RECEIVED": "orange",
    "AGREEMENT_PENDING": "orange",
    "ANSWER_DIRECTED": "orange",
    "ASKED": "orange",
    "OPEN": "orange",
    "SUSPENDED": "orange",
    "RESTARTING": "orange",
    "IN_DISPUTE": "purple",
    "ESCALATED": "purple",
    "APPROVED": "teal",
    "PREPARED": "teal",
    "READY": "teal",
    "PUBLISHED": "green",
    "GRANTED": "green",
    "ACTIVE": "green",
    "IN_FORCE": "green",
    "DELIVERED": "green",
    "ACKNOWLEDGED": "green",
    "COMPLETED": "green",
    "SERVED": "green",
    "HEALTHY": "green",
    "AGREED": "green",
    "ACCEPTED": "green",
    "DONE": "green",
    "UNIVERSAL": "green",
    "ON_REQUEST": "blue",
    "NO_SHARING": "red",
    "REFUSED": "red",
    "FAILED": "red",
    "ABORTED": "red",
    "REVOKED": "red",
    "UNKNOWN": "red",
    "UNHEALTHY": "red",
    "STOPPED": "red",
}
"""Badge colours; anything else is grey. The word itself is always there, so colour is never the only sign."""


@cache
def _packaged() -> dict[str, CodeList]:
    return dict(code_lists())


def label(value: str | None, kind: str) -> str:
    """How a word of an enumeration or a code of a code list reads in the present language.

    Args:
        value: the word; None and "" read as nothing.
        kind: class name of the enumeration ("VersionState") or key of a code list ("themes").
    """
    if not value:
        return ""
    if kind in LABELS:
        english = LABELS[kind].get(str(value), str(value))
        return str(gettext(english)) if has_request_context() else english
    listed = _packaged().get(CODE_LISTS.get(kind, kind))
    return listed.label(str(value), "zh" if is_chinese() else "en") if listed else str(value)


def word_label(word: StrEnum) -> str:
    """How an enumeration's word reads in the present language."""
    return label(word.value, type(word).__name__)


def choices(kind: str) -> list[tuple[str, str]]:
    """Words and labels of an enumeration or code list, in its order, for a select field."""
    if kind in LABELS:
        return [(word, label(word, kind)) for word in LABELS[kind]]
    listed = _packaged()[CODE_LISTS.get(kind, kind)]
    return [(code.code, label(code.code, kind)) for code in listed.items]
