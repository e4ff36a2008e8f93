"""``shuniu status``: each service, where and how it is; how far the log is published, and which witnesses agree."""

import json
import sys
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from adapters.database import transaction
from adapters.services.home import reported_services, running_process
from adapters.services.supervisor import Health
from adapters.settings import Settings
from audit.queries import log_state
from audit.retention import configure as keep_for
from audit.standing import configure as allow
from audit.store.keep import NOT_LOCKED
from audit.witness.standing import configure

WELL = {Health.HEALTHY, Health.DONE}
COLUMNS = ("name", "health", "pid", "restarts", "address", "note")


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """Show each service of this home. Exit status 0: all are healthy; 1: some are not; 3: the hub does not run."""
    settings = Settings.load()
    home = settings.home
    pid = running_process(home)
    services = reported_services(home) if pid else []
    store = _log_store(settings) if pid else {}
    if as_json:
        told = {"home": str(home), "running": pid is not None, "pid": pid, "services": services, "log_store": store}
        click.echo(json.dumps(told, indent=2, default=str))
    elif not pid:
        click.echo(f"No hub runs in {home}. Start it with `shuniu up`.")
    else:
        _show(services)
        _show_store(store)
    contradicted = any(each["contradicts"] for each in store.get("witnesses", ()))
    well = all(service["health"] in WELL for service in services) and not (
        store.get("problem")
        or store.get("restoration")
        or store.get("signing_late")
        or contradicted
        or store.get("agreement_lacking")
        or store.get("unkept")
    )
    sys.exit(3 if not pid else 0 if well else 1)


def _log_store(settings: Settings) -> dict[str, Any]:
    """How far the log is published, and who agrees; the database's own state is said by its service."""
    configure(settings.witnesses)
    allow(settings.evidence_grace_seconds)
    keep_for(settings)
    try:
        with transaction(settings.app_database_url) as session:
            log = log_state(session)
            state, said, still, stamp, flow = log.store, log.agreement, log.restoration, log.stamp, log.standing
            stamped = {"stamped_at": stamp.stamped_at, "stamp_problem": stamp.problem} if stamp else {}
        witnesses = [vars(each) | {"contradicts": each.contradicts} for each in said.witnesses]
        witnessed = {"witnesses": witnesses, "agreed": said.size, "agreement_lacking": said.lacking}
        witnessed |= {"agreement_lacking_since": said.lacking_since}
        said_of_it: dict[str, Any] = {"behind": state.behind, "late": state.late, "unkept": state.unkept}
        said_of_it["restoration"] = still.sentence if still else ""
        signing: dict[str, Any] = {"signing_problem": flow.problem, "signing_problem_since": flow.problem_since}
        signing |= {"signing_late": flow.late, "stopped": flow.stopped, "signing_behind": flow.behind.total_seconds()}
        said_of_it["months_to_archive"] = log.keeping.overdue
        return {**vars(state), **said_of_it, **stamped, **signing, **witnessed}
    except SQLAlchemyError as error:
        return {"problem": f"the database does not say how far it is ({type(error).__name__})"}


def _show_store(store: dict[str, Any]) -> None:
    if "size" in store:
        click.echo(f"\nThe object store has {store['published']} of the log's {store['size']} entries.")
    if store.get("late"):
        click.echo(f"WARNING: {store['behind']} entries are signed for and not published. See the worker's log.")
    if store.get("kept_at"):
        held = f"held until {store['kept_until']:%Y-%m-%d}" if store["kept_until"] else "not held: it can be deleted"
        click.echo(f"The last hourly checkpoint was kept at {store['kept_at']:%Y-%m-%d %H:%M} UTC, {held}.")
    if store.get("unkept"):
        click.echo("PROBLEM: no checkpoint was kept for more than an hour. See the worker's log, and the object store.")
    if store.get("stamped_at"):
        click.echo(f"The last time-stamp of an authority is of {store['stamped_at']:%Y-%m-%d %H:%M} UTC.")
    if store.get("stamp_problem"):
        click.echo(f"WARNING: the last hourly checkpoint has no time-stamp. {store['stamp_problem']}")
    if store.get("lock") == NOT_LOCKED:
        click.echo(
            "WARNING: the object store has no object lock in the bucket for hourly checkpoints, so they can be deleted."
            " Use a store that has it, or a bucket that was made with it (SHUNIU_LOCK_BUCKET)."
        )
    if store.get("problem"):
        since = f" (since {store['problem_since']:%Y-%m-%d %H:%M} UTC)" if store.get("problem_since") else ""
        click.echo(f"PROBLEM with the log in the object store{since}: {store['problem']}")
    if store.get("months_to_archive"):
        click.echo(
            f"WARNING: texts from {store['months_to_archive'][0]} on (months: {len(store['months_to_archive'])})"
            " should lie in archives and are still in the database. Run"
            " `shuniu audit archive --audit-administrator LOGIN --go` with its owner's address."
        )
    _show_signing(store)
    _show_witnesses(store)


def _show_signing(store: dict[str, Any]) -> None:
    if store.get("signing_problem"):
        since = f"{store['signing_problem_since']:%Y-%m-%d %H:%M} UTC"
        click.echo(f"PROBLEM: the evidence log cannot be signed (since {since}): {store['signing_problem']}")
    elif store.get("signing_late"):
        click.echo(
            f"PROBLEM: evidence has not been signed for {store['signing_behind']:.0f} s. Look at the worker's log."
        )
    if store.get("stopped"):
        click.echo("PROBLEM: nothing leaves the hub until the log is signed again.")


def _show_witnesses(store: dict[str, Any]) -> None:
    if store.get("restoration"):
        click.echo(f"PROBLEM: {store['restoration']}")
    for each in store.get("witnesses", ()):
        since = f" since {each['since']:%Y-%m-%d %H:%M} UTC" if each["since"] else ""
        if each["contradicts"]:
            click.echo(f"PROBLEM: the witness {each['name']} contradicts the log{since}. Run `shuniu audit verify`.")
        else:
            wrong = f" {each['problem']}{since}." if each["problem"] else ""
            click.echo(f"The witness {each['name']} agrees to {each['size']} entries.{wrong}")
    if store.get("witnesses"):
        click.echo(f"Enough witnesses agree to {store['agreed']} entries.")
        if store.get("agreement_lacking"):
            since = f"{store['agreement_lacking_since']:%Y-%m-%d %H:%M} UTC"
            click.echo(f"PROBLEM: too few witnesses agree to what the log signed since {since}. See whether they run.")
    elif "witnesses" in store:
        click.echo("No witness watches this log.")


def _show(services: list[dict[str, object]]) -> None:
    rows = [list(COLUMNS)]
    rows += [[str(service[name]) if service[name] != "" else "-" for name in COLUMNS] for service in services]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
