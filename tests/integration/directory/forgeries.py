"""What somebody with the database's password changes behind the story, and the reconcilers that name it."""


def _of(login: str) -> str:
    return f"(SELECT person_id FROM account WHERE login = '{login}')"


def _alive(login: str) -> str:
    """Have all sign-ins of an account be in force again."""
    return f"UPDATE sign_in SET ended_at = NULL WHERE account_id = (SELECT id FROM account WHERE login = '{login}')"


def _copy(table: str, condition: str, changed: str = "") -> str:
    """A row more, like another one but for its identity and some columns."""
    columns = f"jsonb_build_object('id', gen_random_uuid(){changed})"
    return f"INSERT INTO {table} SELECT (jsonb_populate_record({table}, {columns})).* FROM {table} WHERE {condition}"


FORGERIES = [
    (
        "INSERT INTO role_assignment (id, person_id, role, held_from)"
        f" VALUES (gen_random_uuid(), {_of('person1')}, 'AUDITOR', '2026-01-01')",
        "role",
    ),
    (f"DELETE FROM role_assignment WHERE role = 'COMPILER' AND person_id = {_of('person0')}", "role"),
    ("DELETE FROM role_assignment WHERE role = 'ANSWERER' AND held_to IS NOT NULL", "role"),
    (f"UPDATE role_assignment SET held_to = NULL WHERE person_id = {_of('leaver')}", "role"),
    (f"UPDATE role_assignment SET role = 'AUDITOR' WHERE person_id = {_of('person4')}", "role"),
    ("UPDATE role_assignment SET held_from = '2020-01-01' WHERE role = 'REGULATOR'", "role"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'person0'", "account-content"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'emergency'", "account-content"),
    ("UPDATE account SET login = 'other' WHERE login = 'person0'", "account-content"),
    ("UPDATE account SET frozen_at = now() WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET frozen_at = NULL WHERE login = 'leaver'", "account-content"),
    ("UPDATE account SET open_until = now() + interval '9 hours' WHERE login = 'emergency'", "account-content"),
    ("UPDATE account SET owned_at = clock_timestamp() WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET was_reset = false WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET sealed_at = NULL WHERE login = 'emergency'", "account-content"),
    (
        "UPDATE account SET person_id = (SELECT id FROM person WHERE name = '无账号') WHERE login = 'person0'",
        "account-content",
    ),
    (
        "INSERT INTO sign_in (token_hash, account_id, created_at, expires_at) SELECT '\\x00', id, now(),"
        " now() + interval '1 day' FROM account WHERE login = 'person3'",
        "sign_in",
    ),
    ("UPDATE sign_in SET expires_at = expires_at + interval '1 year' WHERE ended_at IS NULL", "sign_in"),
    (
        "UPDATE sign_in SET ended_at = NULL WHERE account_id = (SELECT id FROM account WHERE login = 'person4')",
        "sign_in",
    ),
    (
        "UPDATE sign_in SET ended_at = NULL WHERE account_id = (SELECT id FROM account WHERE login = 'person0')",
        "sign_in-ended",
    ),
    ("UPDATE resource SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "resource_version-content"),
    ("UPDATE resource_version SET compilers = '[]'", "resource_version-content"),
    ("DELETE FROM review WHERE accurate", "review"),
    ("UPDATE review SET accurate = true", "review"),
    ("UPDATE review SET reasons = '[]'", "review"),
    ("DELETE FROM secrecy_review", "secrecy_review"),
    ("UPDATE secrecy_review SET passed = false", "secrecy_review"),
    (
        "INSERT INTO system_address (id, system_id, host, port, added_at)"
        " SELECT gen_random_uuid(), id, '10.9.9.9', 22, now() FROM system",
        "system-addresses",
    ),
    ("DELETE FROM system_address", "system-addresses"),
    ("UPDATE system_address SET removed_at = NULL", "system-addresses"),
    ("UPDATE system SET name = 'forged'", "system-content"),
    ("UPDATE system SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "system-content"),
    (
        "INSERT INTO holiday_calendar SELECT gen_random_uuid(), year, revision + 1, document, verified, days, source,"
        " added_by, added_at FROM holiday_calendar",
        "calendar",
    ),
    ("UPDATE holiday_calendar SET days = '{}'", "calendar-content"),
    (
        "INSERT INTO former_agency_name (id, agency_id, name, credit_code, until)"
        " SELECT gen_random_uuid(), id, 'X', 'X', now() FROM agency WHERE short_code = 'C6'",
        "agency-former",
    ),
    ("DELETE FROM former_agency_name WHERE name = '局'", "agency-former"),
    ("UPDATE case_clock SET offset_seconds = 0", "case_clock"),
    ("DELETE FROM case_clock", "case_clock"),
    (f"UPDATE data_administrator SET person_id = {_of('person3')} WHERE ended_on IS NULL", "appointment-content"),
    ("UPDATE data_administrator SET ended_on = '2027-09-09' WHERE ended_on IS NULL", "appointment-content"),
    (f"UPDATE data_administrator SET deputy_id = {_of('person3')} WHERE ended_on IS NULL", "appointment-content"),
    ("UPDATE agency SET valid_to = '2999-01-01' WHERE short_code = 'C6'", "agency-content"),
    ("UPDATE source SET config = config || '{\"bytes\": 9}' WHERE detached_at IS NULL", "source-content"),
    ("UPDATE source SET sealed = '\\x00' WHERE detached_at IS NULL", "source-content"),
    (
        "UPDATE source SET detached_at = clock_timestamp() WHERE detached_at IS NULL"
        " AND EXISTS (SELECT 1 FROM source former WHERE former.resource_id = source.resource_id"
        " AND former.id <> source.id)",
        "source-detached",
    ),
    ("UPDATE api_client SET secret_hash = 'x' || secret_hash", "client-secret"),
    ("UPDATE api_client SET created_at = '2020-01-01'", "client-deeds"),
    (
        "UPDATE source SET attached_at = attached_at + interval '1 hour' WHERE detached_at IS NULL",
        "source-deeds",
    ),
    (f"UPDATE source SET attached_by = {_of('person4')}", "source-deeds"),
    (
        "UPDATE agency SET parent_id = (SELECT id FROM agency WHERE short_code = 'C6') WHERE short_code = 'D7'",
        "agency-content",
    ),
    ("UPDATE agency SET valid_from = '2000-01-01'", "agency-content"),
    ("DELETE FROM agency WHERE short_code = 'D7'", "agency-entries"),
    (
        "UPDATE person SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6') WHERE name = '无账号'",
        "person-content",
    ),
    (_copy("person", "name = '无账号'"), "person"),
    ("DELETE FROM person WHERE name = '无账号'", "person-entries"),
    ("UPDATE person SET left_at = NULL", "person-left-entries"),
    (
        "INSERT INTO account (id, person_id, login, password_hash, language, failures, was_reset)"
        " SELECT gen_random_uuid(), id, 'planted', 'x', 'en', 0, false FROM person WHERE name = '无账号'",
        "account",
    ),
    ("UPDATE api_client SET client_id = 'x' WHERE name = '程序乙'", "client-content"),
    (f"UPDATE api_client SET responsible_id = {_of('person3')} WHERE name = '程序乙'", "client-content"),
    ("UPDATE api_client SET secret_hash = 'x' WHERE name = '程序乙'", "client-secret"),
    (
        _copy("api_client", "name = '程序'", ", 'client_id', 'planted'"),
        "client",
    ),
    ("DELETE FROM api_client WHERE name = '程序'", "client-entries"),
    ("UPDATE api_client SET revoked_at = now() WHERE name = '程序'", "client-deeds client-revoked"),
    ("UPDATE api_client SET revoked_at = NULL WHERE name = '程序乙'", "client-deeds client-revoked-entries"),
    (
        "UPDATE data_administrator SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')"
        " WHERE ended_on IS NULL",
        "appointment-content",
    ),
    ("UPDATE data_administrator SET appointed_on = '2020-01-01' WHERE ended_on IS NULL", "appointment-content"),
    ("UPDATE data_administrator SET filed_on = '2020-01-01' WHERE filed_on IS NOT NULL", "appointment-content"),
    ("UPDATE data_administrator SET filed_on = NULL", "appointment-filed-entries appointment-content"),
    (
        _copy("data_administrator", "ended_on IS NOT NULL AND deputy_id IS NOT NULL LIMIT 1"),
        "appointment",
    ),
    ("DELETE FROM data_administrator WHERE ended_on IS NOT NULL", "appointment-entries"),
    (_alive("reset"), "sign_in-ended"),
    (_alive("frozen"), "sign_in-ended"),
    (_alive("emergency"), "sign_in-ended"),
    (
        "INSERT INTO sign_in (token_hash, account_id, created_at, expires_at) SELECT '\\x01', id, now(),"
        " now() + interval '1 day' FROM account WHERE login = 'refused'",
        "sign_in",
    ),
    ("UPDATE resource_version SET number = number + 10", "resource_version-content"),
    ("UPDATE resource_version SET revision = revision + 1", "resource_version-content"),
    ("UPDATE resource_version SET rule_set = 'other'", "resource_version-content"),
    ("UPDATE resource_version SET changed_on = '2020-01-01'", "resource_version-content"),
    ("UPDATE review SET revision = revision + 1", "review"),
    ("UPDATE review SET accurate = false WHERE accurate", "review"),
    ("UPDATE review SET complete = NOT complete", "review"),
    ("UPDATE review SET compliant = NOT compliant", "review"),
    ("UPDATE secrecy_review SET revision = revision + 1", "secrecy_review"),
    ("UPDATE secrecy_review SET document = 'other'", "secrecy_review"),
    ("UPDATE secrecy_review SET passed = true WHERE NOT passed", "secrecy_review"),
    ("DELETE FROM secrecy_review WHERE NOT passed", "secrecy_review"),
    (
        _copy("system", "true", ", 'name', 'x'"),
        "system",
    ),
    ("UPDATE system SET network = 'other'", "system-content"),
    ("UPDATE holiday_calendar SET year = year + 100", "calendar-content"),
    ("UPDATE holiday_calendar SET revision = revision + 1", "calendar-content"),
    ("UPDATE holiday_calendar SET document = 'other'", "calendar-content"),
    ("UPDATE holiday_calendar SET verified = false", "calendar-content"),
    ("DELETE FROM holiday_calendar WHERE year = 2027", "calendar-entries"),
    ("UPDATE source SET connector = 'POSTGRESQL'", "source-content"),
    ("UPDATE source SET detached_at = attached_at WHERE detached_at IS NULL", "source-detached"),
    (
        _copy("source", "detached_at IS NULL LIMIT 1", ", 'detached_at', '2020-01-01'"),
        "source",
    ),
    ("DELETE FROM source WHERE detached_at IS NULL", "source-entries"),
    (
        "UPDATE source SET detached_at = NULL WHERE detached_at = (SELECT max(detached_at) FROM source)",
        "source-detached-entries",
    ),
    (
        _copy("resource_version", "state = 'WITHDRAWN' LIMIT 1", ", 'number', 99"),
        "resource_version resource_version-state",
    ),
    (
        "WITH gone AS (DELETE FROM data_item WHERE version_id IN"
        " (SELECT id FROM resource_version WHERE name = '未提交')) DELETE FROM resource_version WHERE name = '未提交'",
        "resource_version-entries",
    ),
    (
        "UPDATE data_administrator SET filed_on = '2026-01-01' WHERE filed_on IS NULL",
        "appointment-filed appointment-content",
    ),
    ("WITH gone AS (DELETE FROM system_address) DELETE FROM system", "system-entries"),
    ("UPDATE agency_key SET purpose = 'RECEIVE'", "key-content"),
    (
        _copy("agency_key", "revoked_at IS NULL", ", 'fingerprint', 'x'"),
        "key",
    ),
    ("DELETE FROM agency_key WHERE revoked_at IS NULL", "key-entries"),
    ("UPDATE agency_key SET revoked_at = now() WHERE revoked_at IS NULL", "key-deeds key-revoked"),
    ("UPDATE agency_key SET revoked_at = NULL", "key-deeds key-revoked-entries"),
    ("UPDATE catalogue_change SET happened_on = '2020-01-01'", "catalogue_change-content"),
    ("UPDATE catalogue_change SET what = 'other'", "catalogue_change-content"),
    ("UPDATE catalogue_change SET due_on = '2030-01-01'", "catalogue_change-content"),
    ("UPDATE catalogue_change SET due_provisional = NOT due_provisional", "catalogue_change-content"),
    ("UPDATE catalogue_change SET updated_on = NULL", "catalogue_change-content"),
    ("UPDATE catalogue_change SET closed_on = NULL", "catalogue_change-content"),
    (
        _copy("catalogue_change", "closed_on IS NULL"),
        "catalogue_change",
    ),
    ("DELETE FROM catalogue_change WHERE closed_on IS NULL", "catalogue_change-entries"),
]
