"""Every benchmark, by name."""

from collections.abc import Callable, Mapping

from bench import delivery, evidence, ingest, interface
from bench.figures import Figure
from portal.demo.stage import Stage

BENCHES: Mapping[str, Callable[[Stage], list[Figure]]] = {
    "ingest": ingest.measure,
    "interface": interface.measure,
    "delivery": delivery.measure,
    "evidence": evidence.measure,
}
