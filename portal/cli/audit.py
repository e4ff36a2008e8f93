"""``shuniu audit``: the evidence log's state, key and proofs, and its verification."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import engine, transaction
from adapters.errors import Conflict
from adapters.settings import Settings
from audit.archive.read import configure as know_archives
from audit.checked import Trust, check_files
from audit.leaves import source_of
from audit.log_keys import LogKeys, log_keys, parse_log_keys
from audit.personal import Seal
from audit.promise import is_promise
from audit.proof import prove
from audit.queries import entry_at, log_state
from audit.reconcile import registered
from audit.report import Report, plain
from audit.stamps.check import check_stamps, is_checkpoint, is_stamp
from audit.stamps.token import Authority
from audit.stamps.verify import verify_stamps
from audit.standing import configure as allow
from audit.store.place import Place
from audit.store.verify import verify_store
from audit.verify import verify_log
from audit.witness.policy import read_policy
from audit.witness.standing import configure, policy_in_use
from audit.witness.verify import verify_cosignatures
from portal.archiving import archive, expire
from portal.wiring import wire

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
LONGEST_PATH = 255
DECLARED_LOSSES = 3
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
POLICY_HELP = "Which witnesses must agree (c2sp.org/tlog-policy); the site's policy when not given."
KEY_HELP = "The log's public keys as `shuniu audit key` prints them, or a file of them; this hub's when not given."


@click.group("audit")
def command() -> None:
    """The evidence log: state, proofs, verification."""


command.add_command(archive)
command.add_command(expire)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--key", "key_text", default="", help=KEY_HELP)
@click.option("--kept", type=READABLE, help="A checkpoint that was kept elsewhere; the log must continue it.")
@click.option("--policy", type=READABLE, help=POLICY_HELP)
@click.option("--no-store", is_flag=True, help="Leave the object store out; the report says so.")
@click.pass_context
def verify(
    context: click.Context, as_json: bool, key_text: str, kept: Path | None, policy: Path | None, no_store: bool
) -> None:
    """Recompute the whole log, compare it with the business tables and with the object store.

    Without a policy of your own, that of the site says which witnesses must agree. Exit status 1 when anything is
    wrong, or the object store is away; 3 when the log is whole but for losses that were declared.
    """
    settings = Settings.load()
    settings.require("app_database_url", "sealing_key")
    wire(settings)
    if no_store:
        know_archives(None)
    keys = _public_keys(settings, key_text)
    key, second = keys.log, keys.second
    note = kept.read_text(encoding="utf-8") if kept else ""
    database = engine(settings.app_database_url).execution_options(isolation_level="REPEATABLE READ")
    with Session(database) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        seal = Seal(settings.sealing_key)
        locked = None if no_store else Place.of(settings).locked
        report = verify_log(session, key, key.name, registered(), seal=seal, kept=note, second=second, locked=locked)
        with report.step(session, "The time-stamps"):
            verify_stamps(session, Authority.of(settings), keys, report)
        if agreed := read_policy(policy) if policy else policy_in_use():
            with report.step(session, "The cosignatures"):
                verify_cosignatures(session, agreed, report)
    if not no_store:
        with transaction(settings.app_database_url) as session, report.step(session, "The object store"):
            verify_store(session, Place.of(settings), key, report, second)
    click.echo(json.dumps(report.as_json(), default=str, ensure_ascii=False) if as_json else _told(report))
    context.exit(0 if report.whole else DECLARED_LOSSES if report.ok else 1)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="The state as JSON.")
def state(as_json: bool) -> None:
    """How the log stands: its size, its last checkpoint, what waits."""
    settings = Settings.load()
    settings.require("app_database_url")
    configure(settings.witnesses)
    allow(settings.evidence_grace_seconds)
    with transaction(settings.app_database_url) as session:
        now = log_state(session)
    if as_json:
        click.echo(json.dumps(asdict(now), default=str, ensure_ascii=False))
        return
    click.echo(f"{now.size} entries are in the log.")
    if now.signed_at:
        click.echo(f"The last checkpoint was signed at {now.signed_at.isoformat()}:\n\n{now.checkpoint}")
    since = (
        f", the oldest for {(system_now() - now.oldest_waiting).total_seconds():.1f} s" if now.oldest_waiting else ""
    )
    click.echo(f"{now.waiting} entries wait to be numbered{since}.")
    if now.standing.problem:
        click.echo(f"PROBLEM since {now.standing.problem_since}: {now.standing.problem}")
    elif now.standing.late:
        behind = now.standing.behind.total_seconds()
        click.echo(f"PROBLEM: evidence has not been signed for {behind:.0f} s.")
    if now.standing.stopped:
        click.echo("PROBLEM: nothing leaves the hub until the log is signed again.")
    if now.restoration:
        click.echo(f"PROBLEM: {now.restoration.sentence}")
    for each in now.agreement.witnesses:
        wrong = f" {each.problem} since {each.since}." if each.problem else ""
        click.echo(f"The witness {each.name} agrees to {each.size} entries.{wrong}")


@command.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option("--out", type=FOLDER, help="Write INDEX.tlog-proof and the entry, INDEX.json, into this folder.")
def proof(index: int, out: Path | None) -> None:
    """Prove that the entry with the number INDEX is in the log (a tlog-proof file)."""
    settings = Settings.load()
    settings.require("app_database_url")
    know_archives(settings)
    configure(settings.witnesses)
    with transaction(settings.app_database_url) as session:
        text = str(prove(session, index))
        if out is None:
            click.echo(text, nl=False)
            return
        (out / f"{index}.tlog-proof").write_text(text, encoding="utf-8")
        try:
            body = entry_at(session, index).row.body
        except Conflict as error:  # proofs go on holding when the text is gone
            click.echo(f"{out / f'{index}.tlog-proof'} is written without the entry. {error}")
            return
    (out / f"{index}.json").write_bytes(body)
    click.echo(f"{out / f'{index}.tlog-proof'} proves {out / f'{index}.json'}.")


@command.command("check")
@click.argument("files", type=READABLE, nargs=-1, required=True)
@click.option("--key", "key_text", default="", help=KEY_HELP)
@click.option("--log", "place", default="", help="Where the log lies: a hub's address, or a folder of C2SP tlog-tiles.")
@click.option("--policy", type=READABLE, help="Which witnesses must have cosigned (c2sp.org/tlog-policy).")
@click.option("--tsa-certificates", "stamped_by", type=READABLE, help="Of the time-stamping authority (PEM).")
@click.pass_context
def check_(
    context: click.Context,
    files: tuple[Path, ...],
    key_text: str,
    place: str,
    policy: Path | None,
    stamped_by: Path | None,
) -> None:
    """Check FILES without the hub's word: a proof and its entry, a promise, a bundle, an export, a time-stamp.

    Checkpoints that were kept, given with a promise, show whether it was kept in time.

    Exit status 0 when all holds, 1 when something does not or a promise was broken or kept late, 3 when a promise is
    not due yet.
    """
    trust = Trust(_public_keys(None, key_text), read_policy(policy) if policy else None)
    given = {str(file): file.read_bytes() for file in files}
    stamps = {name: data for name, data in given.items() if is_stamp(data) or is_checkpoint(data, trust.keys)}
    if any(map(is_stamp, stamps.values())):
        lines = check_stamps(stamps, trust.keys, Authority.trusting(stamped_by) if stamped_by else None)
        click.echo("\n".join(lines))
        needed = any(map(is_promise, given.values()))  # checkpoints then show too whether they were kept in time
        given = {name: data for name, data in given.items() if name not in stamps or (needed and not is_stamp(data))}
        if not given:
            return
    checked = check_files(given, trust, system_now(), source_of(place) if place else None)
    click.echo("\n".join(checked.lines))
    context.exit(checked.status)


@command.command("key")
def key_() -> None:
    """The log's public keys, Ed25519 and ML-DSA-44, and that of its promises: what auditors and witnesses keep."""
    click.echo(str(_public_keys(None, "")))


def _public_keys(settings: Settings | None, text: str) -> LogKeys:
    """Those given, as text or in a file of that name; without any, those of the settings."""
    if text:
        kept = Path(text) if len(text) <= LONGEST_PATH else None
        return parse_log_keys(kept.read_text(encoding="utf-8") if kept and kept.is_file() else text)
    return log_keys(settings or Settings.load())


def _told(report: Report) -> str:
    lines = [
        f"Log {report.origin}: {report.entries} entries, {report.checkpoints} checkpoints"
        f" ({report.signed_twice} with ML-DSA-44 too), {report.waiting} waiting.",
        f"Personal details: {report.opened} opened and right or reported, {report.destroyed} destroyed,"
        f" {report.unopened} not opened.",
        f"Compared with the business tables: {', '.join(report.reconciled) or 'nothing is registered'}.",
        "Not compared with the object store."
        if report.stored is None
        else f"Compared with the object store: {report.stored} objects are as the database has them.",
    ]
    lines += report.lost_lines()
    if report.stamps or report.unchecked_stamps:
        lines.append(f"Time-stamps: {report.stamps} right or reported, {report.unchecked_stamps} not checked.")
    if report.archives or report.archived or report.unread:
        lines.append(
            f"Archives: {report.archives or 0} are as they were written; {report.archived} entries were read from them,"
            f" {report.unread} were not."
        )
    if not report.witnesses:
        lines.append("Cosignatures were not checked: neither the site nor the command names a policy of witnesses.")
    else:
        sizes = ", ".join(f"{name} to {size}" for name, size in report.witnesses.items())
        lines.append(f"Witnesses agree: {sizes} entries; enough of them to {report.agreed_size}.")
    if report.first is None:
        whole = "whole but for declared losses" if report.lost else "whole"
        lines.append(f"The log is {whole}. Root {report.root}. {report.seconds:.1f} s.")
        return "\n".join(lines)
    lines += ["", "THE LOG IS NOT WHOLE. The first thing that is wrong:", *report.first.lines(), ""]
    lines += [f"{count} x {code}" for code, count in sorted(report.counts.items())]
    lines += [f"- {plain(finding.sentence)}" for finding in report.findings[1:20]]
    return "\n".join(lines)
