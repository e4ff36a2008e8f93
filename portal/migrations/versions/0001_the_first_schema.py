"""The first schema: all rooms, and the privileges of the three database roles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.migrations.privileges import grant_first_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "agency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("credit_code", sa.String(length=64), nullable=False),
        sa.Column("short_code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ADMINISTRATIVE_ORGAN', 'AUTHORISED_ORGANISATION', 'VERTICAL_ORGAN')", name=op.f("ck_agency_kind")
        ),
        sa.CheckConstraint("level IN ('CITY', 'DISTRICT')", name=op.f("ck_agency_level")),
        sa.CheckConstraint(
            "office IN ('MEMBER', 'COORDINATING_OFFICE', 'REGULATOR', 'AUDIT_OFFICE')", name=op.f("ck_agency_office")
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_agency_term")),
        sa.ForeignKeyConstraint(["parent_id"], ["agency.id"], name=op.f("fk_agency_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_agency_credit_code")),
        sa.UniqueConstraint("short_code", name=op.f("uq_agency_short_code")),
    )
    op.create_table(
        "case_clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_case_clock_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_clock")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("matter", sa.String(length=300), nullable=False),
        sa.Column("agency_code", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("outcome IN ('DONE', 'REFUSED', 'FAILED')", name=op.f("ck_evidence_outcome")),
        sa.CheckConstraint("octet_length(body) <= 65535", name=op.f("ck_evidence_body_size")),
        sa.CheckConstraint("octet_length(leaf_hash) = 32", name=op.f("ck_evidence_leaf_hash_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_agency_code", "evidence", ["agency_code", "recorded_at"], unique=False)
    op.create_index("ix_evidence_kind", "evidence", ["kind", "recorded_at"], unique=False)
    op.create_index(
        "ix_evidence_matter", "evidence", ["matter", "recorded_at"], unique=False, postgresql_where="matter <> ''"
    )
    op.create_index("ix_evidence_person_id", "evidence", ["person_id", "recorded_at"], unique=False)
    op.create_index("ix_evidence_recorded_at_id", "evidence", ["recorded_at", "id"], unique=False)
    op.create_index("ix_evidence_subject", "evidence", ["subject", "recorded_at"], unique=False)
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )
    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(hashes) BETWEEN 32 AND 8192", name=op.f("ck_log_tile_hashes_size")),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tile")),
    )
    op.create_table(
        "work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("runner", sa.String(length=64), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint("runner IN ('WORKER', 'AIRFLOW')", name=op.f("ck_work_runner")),
        sa.CheckConstraint("state IN ('WAITING', 'LEASED', 'DONE', 'FAILED')", name=op.f("ck_work_state")),
        sa.ForeignKeyConstraint(["parent_id"], ["work.id"], name=op.f("fk_work_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_work_dedupe_key")),
    )
    op.create_index("ix_work_due", "work", ["runner", "state", "due_at"], unique=False)
    op.create_index(op.f("ix_work_parent_id"), "work", ["parent_id"], unique=False)
    op.create_table(
        "document_counter",
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_document_counter_agency_id")),
        sa.PrimaryKeyConstraint("agency_id", "kind", "year", name=op.f("pk_document_counter")),
    )
    op.create_table(
        "evidence_personal",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_personal_evidence_id")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence_personal")),
    )
    op.create_table(
        "evidence_queue",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_queue_evidence_id")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence_queue")),
    )
    op.create_table(
        "former_agency_name",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("credit_code", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_former_agency_name_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_agency_name")),
    )
    op.create_index(op.f("ix_former_agency_name_agency_id"), "former_agency_name", ["agency_id"], unique=False)
    op.create_table(
        "key_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=300), nullable=False),
        sa.Column("challenge", sa.String(length=300), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_key_challenge_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_challenge")),
    )
    op.create_index(op.f("ix_key_challenge_agency_id"), "key_challenge", ["agency_id"], unique=False)
    op.create_table(
        "log_leaf",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name=op.f("ck_log_leaf_not_negative")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_log_leaf_evidence_id")),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_log_leaf")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_log_leaf_evidence_id")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_person_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_agency_id"), "person", ["agency_id"], unique=False)
    op.create_table(
        "resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_resource_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("code", name=op.f("uq_resource_code")),
    )
    op.create_index(op.f("ix_resource_agency_id"), "resource", ["agency_id"], unique=False)
    op.create_table(
        "system",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_system_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system")),
        sa.UniqueConstraint("agency_id", "name", name=op.f("uq_system_agency_id_name")),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=False),
        sa.Column("language", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("person_id", name=op.f("uq_account_person_id")),
    )
    op.create_table(
        "agency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=300), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('SIGN', 'RECEIVE')", name=op.f("ck_agency_key_purpose")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_key_agency_id")),
        sa.ForeignKeyConstraint(["registered_by"], ["person.id"], name=op.f("fk_agency_key_registered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_key")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_agency_key_fingerprint")),
    )
    op.create_index(op.f("ix_agency_key_agency_id"), "agency_key", ["agency_id"], unique=False)
    op.create_table(
        "api_client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=300), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("responsible_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_api_client_agency_id")),
        sa.ForeignKeyConstraint(["responsible_id"], ["person.id"], name=op.f("fk_api_client_responsible_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_api_client_client_id")),
    )
    op.create_index(op.f("ix_api_client_agency_id"), "api_client", ["agency_id"], unique=False)
    op.create_table(
        "data_administrator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("deputy_id", sa.Uuid(), nullable=True),
        sa.Column("appointed_on", sa.Date(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "deputy_id IS NULL OR deputy_id <> person_id", name=op.f("ck_data_administrator_deputy_differs")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_data_administrator_agency_id")),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name=op.f("fk_data_administrator_deputy_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_data_administrator_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_administrator")),
    )
    op.create_index(
        "uq_data_administrator_open",
        "data_administrator",
        ["agency_id"],
        unique=True,
        postgresql_where="ended_on IS NULL",
    )
    op.create_table(
        "holiday_calendar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=300), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_holiday_calendar_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday_calendar")),
        sa.UniqueConstraint("year", "revision", name=op.f("uq_holiday_calendar_year_revision")),
    )
    op.create_table(
        "need",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answer_basis", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'REFUSED' OR answer_basis IS NOT NULL", name=op.f("ck_need_refusal_needs_basis")),
        sa.CheckConstraint("state IN ('RAISED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')", name=op.f("ck_need_state")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_need_answered_by")),
        sa.ForeignKeyConstraint(["provider_id"], ["agency.id"], name=op.f("fk_need_provider_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"], name=op.f("fk_need_raised_by")),
        sa.ForeignKeyConstraint(["requester_id"], ["agency.id"], name=op.f("fk_need_requester_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_need_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
        sa.UniqueConstraint("number", name=op.f("uq_need_number")),
    )
    op.create_index("ix_need_provider_id", "need", ["provider_id", "state"], unique=False)
    op.create_index(op.f("ix_need_requester_id"), "need", ["requester_id"], unique=False)
    op.create_table(
        "resource_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("keywords", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("resource_class", sa.String(length=64), nullable=False),
        sa.Column("theme", sa.String(length=64), nullable=False),
        sa.Column("classification_code", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.Uuid(), nullable=True),
        sa.Column("format", sa.String(length=64), nullable=False),
        sa.Column("update_cycle", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=64), nullable=False),
        sa.Column("modes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parallel_approval", sa.Boolean(), nullable=False),
        sa.Column("secrecy_level", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("share_attribute", sa.String(length=64), nullable=False),
        sa.Column("ground", sa.String(length=64), nullable=False),
        sa.Column("rule_set", sa.String(length=64), nullable=False),
        sa.Column("compiled_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "share_attribute IN ('UNIVERSAL', 'ON_REQUEST', 'NO_SHARING')",
            name=op.f("ck_resource_version_share_attribute"),
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED', 'PUBLISHED', 'SUPERSEDED', 'WITHDRAWN')",
            name=op.f("ck_resource_version_state"),
        ),
        sa.ForeignKeyConstraint(["compiled_by"], ["person.id"], name=op.f("fk_resource_version_compiled_by")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_resource_version_resource_id")),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_resource_version_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_version")),
        sa.UniqueConstraint("resource_id", "number", name=op.f("uq_resource_version_resource_id_number")),
    )
    op.create_index(op.f("ix_resource_version_resource_id"), "resource_version", ["resource_id"], unique=False)
    op.create_index("ix_resource_version_state", "resource_version", ["state", "published_at"], unique=False)
    op.create_index(
        "uq_resource_version_in_progress",
        "resource_version",
        ["resource_id"],
        unique=True,
        postgresql_where="state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED')",
    )
    op.create_index(
        "uq_resource_version_published",
        "resource_version",
        ["resource_id"],
        unique=True,
        postgresql_where="state = 'PUBLISHED'",
    )
    op.create_table(
        "role_assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("held_from", sa.Date(), nullable=False),
        sa.Column("held_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "role IN ('COMPILER', 'REVIEWER', 'SECRECY_REVIEWER', 'REQUESTER', 'ANSWERER', 'SIGNATORY', 'COORDINATOR', 'REGULATOR', 'AUDITOR', 'SYSTEM_ADMINISTRATOR', 'SECURITY_ADMINISTRATOR', 'AUDIT_ADMINISTRATOR')",
            name=op.f("ck_role_assignment_role"),
        ),
        sa.CheckConstraint("held_to IS NULL OR held_to >= held_from", name=op.f("ck_role_assignment_term")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_assignment_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_assignment")),
    )
    op.create_index(op.f("ix_role_assignment_person_id"), "role_assignment", ["person_id"], unique=False)
    op.create_index(
        "uq_role_assignment_open",
        "role_assignment",
        ["person_id", "role"],
        unique=True,
        postgresql_where="held_to IS NULL",
    )
    op.create_index(
        "uq_role_assignment_separated",
        "role_assignment",
        ["person_id"],
        unique=True,
        postgresql_where="held_to IS NULL AND role IN ('SYSTEM_ADMINISTRATOR', 'SECURITY_ADMINISTRATOR', 'AUDIT_ADMINISTRATOR')",
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("connector", sa.String(length=64), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("attached_by", sa.Uuid(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("connector IN ('POSTGRESQL', 'CSV')", name=op.f("ck_source_connector")),
        sa.ForeignKeyConstraint(["attached_by"], ["person.id"], name=op.f("fk_source_attached_by")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_source_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_index(op.f("ix_source_resource_id"), "source", ["resource_id"], unique=False)
    op.create_index("uq_source_current", "source", ["resource_id"], unique=True, postgresql_where="detached_at IS NULL")
    op.create_table(
        "api_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("api_client_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["api_client_id"], ["api_client.id"], name=op.f("fk_api_token_api_client_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_api_token")),
    )
    op.create_index(op.f("ix_api_token_api_client_id"), "api_token", ["api_client_id"], unique=False)
    op.create_table(
        "application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("resource_version_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("modes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("row_condition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("term_to", sa.Date(), nullable=False),
        sa.Column("quota_rows", sa.Integer(), nullable=True),
        sa.Column("rule_set", sa.String(length=64), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("form", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("form_digest", sa.String(), nullable=True),
        sa.Column("form_generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.Column("calendar_versions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'FORM_GENERATED', 'RECEIVED', 'AGREEMENT_PENDING', 'GRANTED', 'REFUSED', 'IN_DISPUTE', 'ANSWER_DIRECTED', 'CLOSED')",
            name=op.f("ck_application_state"),
        ),
        sa.CheckConstraint(
            "(due_on IS NULL) OR (received_on IS NOT NULL)", name=op.f("ck_application_clock_needs_receipt")
        ),
        sa.CheckConstraint("(form IS NULL) = (form_digest IS NULL)", name=op.f("ck_application_form_has_digest")),
        sa.CheckConstraint("requester_id <> provider_id", name=op.f("ck_application_two_agencies")),
        sa.ForeignKeyConstraint(["applied_by"], ["person.id"], name=op.f("fk_application_applied_by")),
        sa.ForeignKeyConstraint(["provider_id"], ["agency.id"], name=op.f("fk_application_provider_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["agency.id"], name=op.f("fk_application_requester_id")),
        sa.ForeignKeyConstraint(
            ["resource_version_id"], ["resource_version.id"], name=op.f("fk_application_resource_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("number", name=op.f("uq_application_number")),
    )
    op.create_index("ix_application_provider_id_state", "application", ["provider_id", "state", "due_on"], unique=False)
    op.create_index(
        "ix_application_requester_id_state", "application", ["requester_id", "state", "created_at"], unique=False
    )
    op.create_table(
        "data_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("field_name", sa.String(length=64), nullable=False),
        sa.Column("data_type", sa.String(length=64), nullable=False),
        sa.Column("length", sa.Integer(), nullable=True),
        sa.Column("scale", sa.Integer(), nullable=True),
        sa.Column("nullable", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("share_attribute", sa.String(length=64), nullable=False),
        sa.Column("share_condition", sa.String(length=300), nullable=False),
        sa.Column("basis", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("open_attribute", sa.String(length=64), nullable=False),
        sa.Column("sensitivity", sa.String(length=64), nullable=False),
        sa.Column("identifier_kind", sa.String(), nullable=True),
        sa.Column("on_mismatch", sa.String(length=64), nullable=False),
        sa.Column("masking", sa.String(), nullable=True),
        sa.Column("code_list", sa.String(), nullable=True),
        sa.Column("is_key", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "open_attribute IN ('UNCONDITIONAL', 'CONDITIONAL', 'NOT_OPEN')", name=op.f("ck_data_item_open_attribute")
        ),
        sa.CheckConstraint(
            "sensitivity IN ('NONE', 'PERSONAL_PRIVACY', 'COMMERCIAL_SECRET', 'STATE_SECRET', 'WORK_SECRET')",
            name=op.f("ck_data_item_sensitivity"),
        ),
        sa.CheckConstraint(
            "share_attribute <> 'NO_SHARING' OR basis IS NOT NULL", name=op.f("ck_data_item_no_sharing_needs_basis")
        ),
        sa.CheckConstraint(
            "share_attribute <> 'ON_REQUEST' OR share_condition <> ''",
            name=op.f("ck_data_item_on_request_needs_condition"),
        ),
        sa.CheckConstraint(
            "share_attribute IN ('UNIVERSAL', 'ON_REQUEST', 'NO_SHARING')", name=op.f("ck_data_item_share_attribute")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["resource_version.id"], name=op.f("fk_data_item_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_item")),
        sa.UniqueConstraint("version_id", "field_name", name=op.f("uq_data_item_version_id_field_name")),
        sa.UniqueConstraint("version_id", "position", name=op.f("uq_data_item_version_id_position")),
    )
    op.create_index(op.f("ix_data_item_version_id"), "data_item", ["version_id"], unique=False)
    op.create_table(
        "dataset_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("resource_version_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=False),
        sa.Column("delta_version", sa.BigInteger(), nullable=True),
        sa.Column("rows_source", sa.BigInteger(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_good", sa.BigInteger(), nullable=False),
        sa.Column("rows_set_aside", sa.BigInteger(), nullable=False),
        sa.Column("set_aside_reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("set_aside_location", sa.String(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("serving_table", sa.String(), nullable=True),
        sa.Column("work_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('LOADING', 'FAILED') OR rows_read = rows_good + rows_set_aside",
            name=op.f("ck_dataset_version_counts_reconcile"),
        ),
        sa.CheckConstraint("state IN ('LOADING', 'READY', 'SERVED', 'FAILED')", name=op.f("ck_dataset_version_state")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_dataset_version_resource_id")),
        sa.ForeignKeyConstraint(
            ["resource_version_id"], ["resource_version.id"], name=op.f("fk_dataset_version_resource_version_id")
        ),
        sa.ForeignKeyConstraint(["work_id"], ["work.id"], name=op.f("fk_dataset_version_work_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_version")),
        sa.UniqueConstraint("resource_id", "number", name=op.f("uq_dataset_version_resource_id_number")),
    )
    op.create_index(op.f("ix_dataset_version_resource_id"), "dataset_version", ["resource_id"], unique=False)
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accurate", sa.Boolean(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("compliant", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name=op.f("fk_review_reviewer_id")),
        sa.ForeignKeyConstraint(["version_id"], ["resource_version.id"], name=op.f("fk_review_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_version_id"), "review", ["version_id"], unique=False)
    op.create_table(
        "secrecy_review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("document", sa.String(length=300), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name=op.f("fk_secrecy_review_reviewer_id")),
        sa.ForeignKeyConstraint(["version_id"], ["resource_version.id"], name=op.f("fk_secrecy_review_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrecy_review")),
    )
    op.create_index(op.f("ix_secrecy_review_version_id"), "secrecy_review", ["version_id"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sign_in_account_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in")),
    )
    op.create_index(op.f("ix_sign_in_account_id"), "sign_in", ["account_id"], unique=False)
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terminated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("termination_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('PROPOSED', 'IN_FORCE', 'TERMINATED')", name=op.f("ck_agreement_state")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_agreement_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("application_id", name=op.f("uq_agreement_application_id")),
        sa.UniqueConstraint("number", name=op.f("uq_agreement_number")),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_answer_answered_by")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_answer_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("application_id", "round", name=op.f("uq_answer_application_id_round")),
    )
    op.create_index(op.f("ix_answer_application_id"), "answer", ["application_id"], unique=False)
    op.create_table(
        "application_item",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("data_item_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_item_application_id")
        ),
        sa.ForeignKeyConstraint(["data_item_id"], ["data_item.id"], name=op.f("fk_application_item_data_item_id")),
        sa.PrimaryKeyConstraint("application_id", "data_item_id", name=op.f("pk_application_item")),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'CONCLUDED', 'ESCALATED', 'RULED', 'WITHDRAWN')", name=op.f("ck_dispute_state")
        ),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_dispute_application_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"], name=op.f("fk_dispute_raised_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("number", name=op.f("uq_dispute_number")),
    )
    op.create_index(op.f("ix_dispute_application_id"), "dispute", ["application_id"], unique=False)
    op.create_index(
        "uq_dispute_open", "dispute", ["application_id"], unique=True, postgresql_where="state IN ('OPEN', 'ESCALATED')"
    )
    op.create_table(
        "hand_over",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("handed_over_on", sa.Date(), nullable=False),
        sa.Column("proof", sa.String(length=300), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_hand_over_application_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_hand_over_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
    )
    op.create_index(op.f("ix_hand_over_application_id"), "hand_over", ["application_id"], unique=False)
    op.create_table(
        "written_receipt",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("receiver", sa.String(length=300), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by_office", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_written_receipt_application_id")),
        sa.ForeignKeyConstraint(["registered_by"], ["person.id"], name=op.f("fk_written_receipt_registered_by")),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_written_receipt")),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("resource_version_id", sa.Uuid(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=True),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("agreement_id", sa.Uuid(), nullable=True),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("row_condition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("modes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("quota_rows", sa.BigInteger(), nullable=True),
        sa.Column("used_rows", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED', 'ENDED')", name=op.f("ck_access_grant_state")),
        sa.CheckConstraint(
            "(requester_id IS NULL) = (application_id IS NULL)", name=op.f("ck_access_grant_standing_or_applied")
        ),
        sa.CheckConstraint("jsonb_array_length(items) > 0", name=op.f("ck_access_grant_some_items")),
        sa.CheckConstraint("used_rows >= 0", name=op.f("ck_access_grant_used_not_negative")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.id"], name=op.f("fk_access_grant_agreement_id")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_access_grant_application_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["agency.id"], name=op.f("fk_access_grant_provider_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["agency.id"], name=op.f("fk_access_grant_requester_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_access_grant_resource_id")),
        sa.ForeignKeyConstraint(
            ["resource_version_id"], ["resource_version.id"], name=op.f("fk_access_grant_resource_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
        sa.UniqueConstraint("application_id", name=op.f("uq_access_grant_application_id")),
        sa.UniqueConstraint("number", name=op.f("uq_access_grant_number")),
    )
    op.create_index(op.f("ix_access_grant_provider_id"), "access_grant", ["provider_id"], unique=False)
    op.create_index("ix_access_grant_requester_id_state", "access_grant", ["requester_id", "state"], unique=False)
    op.create_index(op.f("ix_access_grant_resource_id"), "access_grant", ["resource_id"], unique=False)
    op.create_index(
        "uq_access_grant_standing",
        "access_grant",
        ["resource_id"],
        unique=True,
        postgresql_where="requester_id IS NULL AND state <> 'ENDED'",
    )
    op.create_table(
        "agreement_signature",
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agreement_signature_agency_id")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.id"], name=op.f("fk_agreement_signature_agreement_id")),
        sa.ForeignKeyConstraint(["key_id"], ["agency_key.id"], name=op.f("fk_agreement_signature_key_id")),
        sa.ForeignKeyConstraint(["signed_by"], ["person.id"], name=op.f("fk_agreement_signature_signed_by")),
        sa.PrimaryKeyConstraint("agreement_id", "agency_id", name=op.f("pk_agreement_signature")),
    )
    op.create_table(
        "answer_item",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("data_item_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("basis", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "decision <> 'REFUSED' OR basis IS NOT NULL", name=op.f("ck_answer_item_refusal_needs_basis")
        ),
        sa.CheckConstraint("decision IN ('AGREED', 'REFUSED')", name=op.f("ck_answer_item_decision")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_answer_item_reason_given")),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_answer_item_answer_id")),
        sa.ForeignKeyConstraint(["data_item_id"], ["data_item.id"], name=op.f("fk_answer_item_data_item_id")),
        sa.PrimaryKeyConstraint("answer_id", "data_item_id", name=op.f("pk_answer_item")),
    )
    op.create_table(
        "conclusion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("is_ruling", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("concluded_by", sa.Uuid(), nullable=False),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new_answer_due_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('ANSWER_ANEW', 'REFUSAL_STANDS', 'RULED_TO_SHARE')", name=op.f("ck_conclusion_outcome")
        ),
        sa.ForeignKeyConstraint(["concluded_by"], ["person.id"], name=op.f("fk_conclusion_concluded_by")),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_conclusion_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conclusion")),
        sa.UniqueConstraint("number", name=op.f("uq_conclusion_number")),
    )
    op.create_index(op.f("ix_conclusion_dispute_id"), "conclusion", ["dispute_id"], unique=False)
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_statement_agency_id")),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_statement_dispute_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_statement_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
    )
    op.create_index(op.f("ix_statement_dispute_id"), "statement", ["dispute_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_version_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("matter", sa.String(length=300), nullable=False),
        sa.Column("rows_reserved", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("authorised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('INTERFACE', 'FILES', 'BROWSE', 'OFFLINE')", name=op.f("ck_release_mode")),
        sa.CheckConstraint("state <> 'COMPLETED' OR digest <> ''", name=op.f("ck_release_completed_has_digest")),
        sa.CheckConstraint("state IN ('AUTHORISED', 'COMPLETED', 'ABORTED', 'UNKNOWN')", name=op.f("ck_release_state")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_release_agency_id")),
        sa.ForeignKeyConstraint(
            ["dataset_version_id"], ["dataset_version.id"], name=op.f("fk_release_dataset_version_id")
        ),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_release_evidence_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["access_grant.id"], name=op.f("fk_release_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index("ix_release_agency_id", "release", ["agency_id", "authorised_at"], unique=False)
    op.create_index(op.f("ix_release_grant_id"), "release", ["grant_id"], unique=False)
    op.create_index(
        "ix_release_open", "release", ["authorised_at"], unique=False, postgresql_where="state = 'AUTHORISED'"
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("matter", sa.String(length=300), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_client", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.Column("work_id", sa.Uuid(), nullable=True),
        sa.Column("object_key", sa.String(length=300), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recipient_key_id", sa.Uuid(), nullable=True),
        sa.Column("statement", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint("format IN ('PARQUET', 'CSV', 'PACKAGE')", name=op.f("ck_delivery_format")),
        sa.CheckConstraint("mode IN ('INTERFACE', 'FILES', 'BROWSE', 'OFFLINE')", name=op.f("ck_delivery_mode")),
        sa.CheckConstraint(
            "state IN ('REQUESTED', 'FAILED') OR sha256 <> ''", name=op.f("ck_delivery_prepared_has_digest")
        ),
        sa.CheckConstraint(
            "state IN ('REQUESTED', 'PREPARED', 'DELIVERED', 'ACKNOWLEDGED', 'FAILED', 'REVOKED')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_delivery_agency_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["access_grant.id"], name=op.f("fk_delivery_grant_id")),
        sa.ForeignKeyConstraint(["recipient_key_id"], ["agency_key.id"], name=op.f("fk_delivery_recipient_key_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_delivery_release_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_delivery_requested_by")),
        sa.ForeignKeyConstraint(["work_id"], ["work.id"], name=op.f("fk_delivery_work_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("number", name=op.f("uq_delivery_number")),
    )
    op.create_index("ix_delivery_agency_id", "delivery", ["agency_id", "requested_at"], unique=False)
    op.create_index(op.f("ix_delivery_grant_id"), "delivery", ["grant_id"], unique=False)
    op.create_table(
        "acknowledgement",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["person.id"], name=op.f("fk_acknowledgement_acknowledged_by")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_acknowledgement_delivery_id")),
        sa.ForeignKeyConstraint(["key_id"], ["agency_key.id"], name=op.f("fk_acknowledgement_key_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_acknowledgement")),
    )
    grant_first_tables()
