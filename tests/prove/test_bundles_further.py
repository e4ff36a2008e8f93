"""The evidence bundle of a delivery that no agreement came before."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.bundle import AGREEMENT, ANSWER
from audit.log_keys import log_keys
from exchange.deliveries.models import FileFormat
from exchange.deliveries.request import request
from portal.cli.main import shuniu
from schemas.words import Mode
from tests.integration.portal.conftest import _no_connections_left, portal, portal_settings, shared_portal, world
from tests.integration.portal.test_api_evidence import numbered
from tests.integration.portal.test_bundles import MATTER
from tests.integration.portal.world import World

__all__ = ["_no_connections_left", "portal", "portal_settings", "shared_portal", "world"]


@pytest.mark.parametrize("standing", [True, False])
def test_a_delivery_without_an_agreement_has_a_bundle_too(world: World, standing: bool, tmp_path: Path) -> None:
    grant = world.standing if standing else world.granted
    asked: dict[str, Any] = {"purpose": grant.purpose or "公共服务", "matter": MATTER}
    made = request(world.session, world.case.asks, grant_id=grant.id, mode=Mode.FILES, format=FileFormat.CSV, **asked)
    world.session.commit()
    numbered(world)
    taken = world.asks.get(f"/api/v1/deliveries/{made.id}/evidence")
    assert taken.status_code == 200, taken.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(taken.get_data())) as archive:
        assert (ANSWER in archive.namelist(), AGREEMENT in archive.namelist()) == (not standing, False)
    bundle = tmp_path / "evidence.zip"
    bundle.write_bytes(taken.get_data())
    settings = world.portal.settings
    key = str(log_keys(settings))
    done = CliRunner().invoke(shuniu, ["audit", "check", str(bundle), "--key", key])
    assert done.exit_code == 0, (done.output, done.exception)
