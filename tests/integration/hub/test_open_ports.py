"""No port of any service answers without credentials, and there is no port that this file does not know."""

import http.client
import re
import ssl
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path

import psycopg
import pytest

from adapters.services.certificates import write_certificates
from adapters.services.guard import descendants
from adapters.services.home import running_process
from adapters.services.ports import Ports
from tests.integration.running_hub import RunningHub
from tests.integration.services.watching import listeners, unix_sockets

SEAWEED_INNER = [name for name in Ports.__dataclass_fields__ if name.startswith("s3_")]
STORE_PATHS = ("/", "/shuniu", "/shuniu/any", "/?acl", "/buckets/", "/dir/status", "/metrics", "/debug/pprof/", "/1,01")
STORE_HEALTH = ("/status", "/healthz", "/readyz")
AIRFLOW_OPEN = {
    "/api/v2/monitor/health",  # says healthy or unhealthy, and when
    "/api/v2/version",  # says which Airflow this is
    "/api/v2/auth/login",  # leads to the page that asks for name and password
    "/api/v2/auth/logout",  # ends a session, of which there is none
}


@pytest.fixture(scope="module")
def pids(hub: RunningHub) -> list[int]:
    """Everything that the hub has started."""
    supervisor = running_process(hub.home)
    assert supervisor is not None
    return descendants(supervisor)


@pytest.fixture(scope="module")
def ports(hub: RunningHub) -> Ports:
    """Where this hub listens."""
    return Ports.load(hub.environ)


def ask(port: int, path: str, method: str = "GET", tls: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    """Status and body of a request that carries no credentials."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def blind_trust() -> ssl.SSLContext:
    """TLS that takes any server."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_every_socket_is_known_and_on_loopback(pids: list[int], ports: Ports) -> None:
    found = listeners(pids)
    assert {one.address for one in found} == {"127.0.0.1"}
    assert {one.port for one in found} == {getattr(ports, name) for name in Ports.__dataclass_fields__}


def test_unix_sockets_are_the_object_stores_own(pids: list[int]) -> None:
    for name in unix_sockets(pids):
        assert re.fullmatch(r"(filer|s3)\.sock|/tmp/seaweedfs-\w+-grpc-\d+\.sock|@?.*(listener|pymp)-?.*", name), name
        path = Path(name)
        if path.is_absolute():
            assert path.stat().st_mode & 0o077 == 0, name


def test_database_wants_a_password(ports: Ports) -> None:
    for user in ("postgres", "shuniu", "shuniu_airflow"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=ports.postgres, user=user, dbname="postgres")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "HEAD"])
def test_object_store_wants_a_signature(ports: Ports, method: str) -> None:
    for path in STORE_PATHS:
        status, _ = ask(ports.s3, path, method)
        assert status in {400, 403, 404, 405, 411, 501}, (method, path, status)
    for path in STORE_HEALTH:
        status, body = ask(ports.s3, path, "GET")
        assert (status, body) == (200, b"")


@pytest.mark.parametrize("name", SEAWEED_INNER)
def test_inner_ports_of_the_store_want_our_certificate(ports: Ports, name: str, tmp_path: Path) -> None:
    port = getattr(ports, name)
    with suppress(http.client.HTTPException, ConnectionError):  # a gRPC port ends the connection
        assert ask(port, "/dir/status")[0] == 400  # "Client sent an HTTP request to an HTTPS server"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "/dir/status", tls=blind_trust())
    foreign = write_certificates(tmp_path)
    context = blind_trust()
    context.load_cert_chain(foreign.certificate, foreign.key)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, "/dir/status", tls=context)


def airflow_operations() -> list[tuple[str, str]]:
    """Method and path of everything in Airflow's public interface."""
    specification = distribution("apache-airflow-core").locate_file(
        "airflow/api_fastapi/core_api/openapi/v2-rest-api-generated.yaml"
    )
    found, path = [], ""
    for line in Path(str(specification)).read_text().splitlines():
        if match := re.fullmatch(r"  (/\S+):", line):
            path = match[1]
        elif (match := re.fullmatch(r"    (get|post|put|patch|delete):", line)) and path:
            found.append((match[1].upper(), path))
        elif line == "components:":
            break
    return found


def test_airflow_wants_a_token_for_everything_but_health(ports: Ports) -> None:
    operations = airflow_operations()
    assert len(operations) > 100
    answers = {
        (method, path): ask(ports.airflow, re.sub(r"\{\w+\}", "1", path), method)[0] for method, path in operations
    }
    assert {path for (_, path), status in answers.items() if status not in {401, 403}} == AIRFLOW_OPEN


@pytest.mark.parametrize(
    "path", ["/execution/variables/x", "/execution/connections/x", "/execution/xcoms/a/b/c/d", "/ui/config", "/ui/dags"]
)
def test_airflows_inner_interfaces_want_a_token(ports: Ports, path: str) -> None:
    assert ask(ports.airflow, path)[0] in {401, 403}


def test_portal_wants_a_sign_in(ports: Ports) -> None:
    for path in ("/", "/catalogue", "/api/v1/resources", "/evidence"):
        status, body = ask(ports.portal, path)
        assert status in {302, 303, 308, 401, 403, 404} or b'type="password"' in body, (path, status)
