"""A built wheel holds whatever the rooms read at run time, and starts in an environment that never saw the source."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from functools import cache
from pathlib import Path

import pytest

from audit.bundle import RECEIPT
from tests.bundles import PUBLIC, made

PROJECT = Path(__file__).parents[3]
NOT_SHIPPED = {".pot", ".pyc"}
ROOMS = (
    "adapters",
    "airflow_dags",
    "audit",
    "directory",
    "exchange",
    "oversight",
    "pipelines",
    "portal",
    "schemas",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git knows and of the web assets that the set-up fetched."""
    source = tmp_path_factory.mktemp("source")
    for name in _shipped():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((PROJECT / name).read_bytes())
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)],
        check=True,
        capture_output=True,
    )
    return next(target.glob("shuniu-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, the libraries of the running one, and not the source."""
    place = tmp_path_factory.mktemp("empty")
    venv.create(place, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "libraries.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    return place / "bin" / "python"


@cache
def _shipped() -> list[str]:
    """Files of the project without the tests: tracked or new ones, and those that the set-up made."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    names = {*listed, *(str(path.relative_to(PROJECT)) for path in PROJECT.glob("portal/static/vendor/**/*"))}
    return sorted(name for name in names if (PROJECT / name).is_file())


def test_everything_that_rooms_read_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {
        name
        for name in _shipped()
        if name.split("/")[0] in ROOMS and Path(name).suffix not in NOT_SHIPPED and Path(name).name != ".gitkeep"
    }
    assert wanted - inside == set()
    for kind in (".html", ".json", ".po", ".css", ".js", "script.py.mako", "0001_the_first_schema.py"):
        assert any(name.endswith(kind) for name in inside), kind
    assert "portal/static/vendor/htmx/htmx.min.js" in inside


def test_tests_and_tools_stay_outside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert folders <= {*ROOMS, *(folder for folder in folders if folder.endswith(".dist-info"))}


def test_installed_wheel_starts(python: Path, tmp_path: Path) -> None:
    program = f"""
import sys
from importlib.resources import files
import portal.app, portal.migrations.run, adapters.services.hub, schemas
assert {str(PROJECT)!r} not in sys.path, sys.path
assert not any(str(path).startswith({str(PROJECT)!r} + "/portal") for path in portal.__path__)
assert (files("portal") / "templates" / "base.html").is_file()
from portal.cli.main import main
sys.argv = ["shuniu", "--help"]
main()
"""
    done = subprocess.run(
        [str(python), "-c", program], cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: shuniu" in done.stdout
    for name in ("up", "status", "worker", "step"):
        assert f"\n  {name} " in done.stdout


OFFLINE = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise OSError("no network here")
sys.addaudithook(refuse)
from portal.cli.main import main
sys.argv = ["shuniu", "audit", "check", *sys.argv[1:]]
main()
"""


def test_installed_wheel_checks_a_bundle_without_hub_or_network(python: Path, tmp_path: Path) -> None:
    bundle, parts = tmp_path / "evidence.zip", made()
    bundle.write_bytes(parts.packed())
    keys = tmp_path / "log-keys.txt"
    keys.write_text(str(PUBLIC))

    def check() -> tuple[int, str]:
        command = [str(python), "-c", OFFLINE, str(bundle), "--key", str(keys)]
        done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    status, said = check()
    assert (status, "holds: 13 entries" in said) == (0, True), said
    parts.files[RECEIPT] = parts.files[RECEIPT].replace(b"true", b"false")
    bundle.write_bytes(parts.packed())
    status, said = check()
    assert (status, f"does not hold: {RECEIPT}" in said) == (1, True), said
