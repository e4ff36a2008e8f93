"""PostgreSQL and the object store: nothing is lost when they are killed, nobody gets in without a password."""

import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
from minio import Minio

from adapters.errors import Misconfigured
from adapters.services.databases import connect
from adapters.services.foundation import running
from adapters.services.home import end_leftovers, make_home
from adapters.services.ports import Ports
from adapters.services.process import Command, log_of, run_to_end
from adapters.settings import Settings
from tests.integration.services.watching import processes_of, wait_until

KEEP_RUNNING = """
    import sys, time
    from pathlib import Path
    from adapters.services.foundation import running
    with running(Path(sys.argv[1])):
        print("ready", flush=True)
        time.sleep(600)
"""


def store(environment: dict[str, str]) -> Minio:
    """A client of the object store."""
    return Minio(
        environment["SHUNIU_S3_URL"].removeprefix("http://"),
        access_key=environment["SHUNIU_S3_ACCESS_KEY"],
        secret_key=environment["SHUNIU_S3_SECRET_KEY"],
        secure=False,
    )


def test_committed_data_survive_a_kill_of_everything(home: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KEEP_RUNNING), str(home)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    settings = Settings.load({"SHUNIU_HOME": str(home)})
    environment = {
        "SHUNIU_S3_URL": settings.s3_url,
        "SHUNIU_S3_ACCESS_KEY": settings.s3_access_key,
        "SHUNIU_S3_SECRET_KEY": settings.s3_secret_key,
    }
    with connect(settings.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    store(environment).put_object("shuniu", "kept", io.BytesIO(b"k" * 100_000), 100_000)
    for pid in [*processes_of(home), parent.pid]:
        os.kill(pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not processes_of(home))

    with running(home) as again:
        with connect(again["SHUNIU_DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
        answer = store(again).get_object("shuniu", "kept")
        assert answer.read() == b"k" * 100_000
        answer.close()
        answer.release_conn()


def test_killed_parent_leaves_no_orphans(home: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KEEP_RUNNING), str(home)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end_leftovers(home.resolve())
    assert not processes_of(home)


def test_runs_as_an_ordinary_user(tmp_path: Path) -> None:
    """As root we become nobody for this; as anybody else, this is the ordinary case."""
    home = tmp_path / "home"
    make_home(home)
    user = (65534, 65534) if os.geteuid() == 0 else None
    place = tmp_path / "nobodys"
    place.mkdir()
    if user:
        os.chown(place, *user)
    program = """
        import os, sys
        from pathlib import Path
        from adapters.services.foundation import running
        with running(Path(sys.argv[1])) as environment:
            print("user", os.geteuid(), environment["SHUNIU_S3_URL"])
    """
    command = Command(
        "ordinary",
        [sys.executable, "-c", textwrap.dedent(program), str(place / "home")],
        place,
        {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        user=user,
    )
    status = run_to_end(command, home)
    said = log_of(home, "ordinary").read_text()
    assert status == 0, said
    assert f"user {user[0] if user else os.geteuid()} http://127.0.0.1" in said


def test_closed_folders_above_the_home_stay_closed(tmp_path: Path) -> None:
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    with running(above / "home"):
        assert stat.S_IMODE(above.stat().st_mode) == 0o700
        assert stat.S_IMODE((above / "home" / "postgres").stat().st_mode) == 0o700


def test_secrets_are_their_owners_alone(services: dict[str, str]) -> None:
    folder = Path(services["SHUNIU_HOME"]) / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    values = [path.read_text() for path in folder.iterdir() if path.name != "environment"]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("user", ["postgres", "shuniu", "shuniu_app", "shuniu_sequencer", "shuniu_serving"])
@pytest.mark.parametrize("password", ["", "postgres", "wrong"])
def test_database_wants_the_right_password(services: dict[str, str], user: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1", port=int(services["SHUNIU_POSTGRES_PORT"]), user=user, password=password, dbname="shuniu"
        )


def test_roles_have_no_more_than_they_need(services: dict[str, str]) -> None:
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles "
            "WHERE rolname LIKE 'shuniu%' ORDER BY 1"
        ).fetchall()
    rights = {row[0]: row[1:] for row in rows}
    assert rights.pop("shuniu") == (False, True, True, False, False)
    assert {"shuniu_app", "shuniu_sequencer", "shuniu_serving"} <= set(rights)
    assert set(rights.values()) == {(False,) * 5}


def test_each_role_reaches_its_own_database_alone(services: dict[str, str]) -> None:
    for setting, elsewhere in (("SHUNIU_APP_DATABASE_URL", "shuniu_serving"), ("SHUNIU_SERVING_URL", "shuniu")):
        own = services[setting].replace("+psycopg", "")
        psycopg.connect(own).close()
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"{own.rpartition('/')[0]}/{elsewhere}")


def test_when_a_part_of_postgresql_is_killed_the_whole_is_started_anew(home: Path) -> None:
    """Recovering by itself it does not notice what dies meanwhile, and may wait for that without end."""

    with running(home) as environment:
        first = postmaster(home)
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
        [writer] = [one for one in children if "walwriter" in Path(f"/proc/{one}/cmdline").read_text()]
        os.kill(int(writer), signal.SIGKILL)
        wait_until(lambda: postmaster(home) not in {0, first})
        wait_until(lambda: answers(environment["SHUNIU_DATABASE_URL"]))


def postmaster(home: Path) -> int:
    """PostgreSQL's first process; 0 while there is none."""
    told = [file.read_text(encoding="ascii").splitlines() for file in home.rglob("postmaster.pid")]
    return int(told[0][0]) if told and told[0] else 0


def answers(url: str) -> bool:
    """Whether PostgreSQL takes connections."""
    try:
        connect(url).close()
    except Misconfigured:
        return False
    return True


def test_settings_of_the_server_keep_what_was_committed(services: dict[str, str]) -> None:
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
        wanted |= {"io_method": "sync", "restart_after_crash": "off"}  # what dies during recovery goes unnoticed else
        for name, value in wanted.items():
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
        row = connection.execute(
            "SELECT datlocprovider, datlocale, datcollate, pg_encoding_to_char(encoding) FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    assert row == ("b", "C.UTF-8", "C.UTF-8", "UTF8")


def test_ports_are_free_ones() -> None:
    ports = Ports.free()
    numbers = ports.as_environment().values()
    assert len(set(numbers)) == len(numbers)
