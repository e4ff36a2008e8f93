"""What `shuniu status` and `shuniu audit verify` say of a store without object lock, and of one that is away."""

from tests.integration.audit.conftest import Log
from tests.integration.audit.test_store_status import Run, run, step

__all__ = ["run"]


def test_status_warns_of_a_store_without_object_lock(log: Log, run: Run) -> None:
    step(log, SHUNIU_LOCK_BUCKET="shuniu")
    told = run("status").output
    assert "WARNING: the object store has no object lock" in told
    assert "it can be deleted" in told


def test_verify_as_a_command_compares_the_store_and_says_when_it_is_away(log: Log, run: Run) -> None:
    place = step(log)
    told = run("audit", "verify")
    assert (told.exit_code, "Compared with the object store: 3 objects" in told.output) == (0, True), told.output
    away = run("audit", "verify", SHUNIU_S3_URL="http://127.0.0.1:9")
    assert (away.exit_code, "The object store is away" in away.output) == (1, True), away.output
    without = run("audit", "verify", "--no-store", SHUNIU_S3_URL="http://127.0.0.1:9")
    assert (without.exit_code, "Not compared with the object store." in without.output) == (0, True), without.output
    place.remove("checkpoint")
    assert "no newest checkpoint any more" in run("audit", "verify").output
