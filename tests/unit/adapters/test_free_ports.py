"""Free ports are none that the system may give to an outgoing connection before their service listens."""

from dataclasses import astuple
from pathlib import Path

from adapters.services.ports import Ports

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_free_ports_differ_and_lie_below_those_given_away() -> None:
    first = int(RANGE.read_text().split()[0])
    for _ in range(20):
        ports = astuple(Ports.free())
        assert len({*ports}) == len(ports)
        assert all(1024 < port < first for port in ports)
