"""The home's environment file: what a running hub tells every other command about itself."""

from collections.abc import Mapping
from pathlib import Path

from adapters.services.secrets import SecretFolder, write_private
from adapters.settings import ENVIRONMENT_FILE

HEADER = "# Written by `shuniu up`. These are defaults: a variable set in the environment wins over its line here.\n"


def generated_keys(secrets: SecretFolder) -> dict[str, str]:
    """The hub's own keys, made at first use: cookies, sealing of connection secrets, log signature, attestation."""
    return {
        "SHUNIU_SECRET_KEY": secrets.password("cookie-key"),
        "SHUNIU_SEALING_KEY": secrets.fernet_key("sealing-key"),
        "SHUNIU_LOG_KEY": secrets.raw_key("log-key"),
        "SHUNIU_HUB_KEY": secrets.raw_key("hub-key"),
    }


def write_environment(home: Path, values: Mapping[str, str]) -> None:
    """Replace ``$SHUNIU_HOME/secrets/environment`` (mode 0600).

    Args:
        home: the hub's home.
        values: settings; ``SHUNIU_HOME`` itself is left out, because the folder may be moved.
    """
    lines = [f"{name}={value}\n" for name, value in sorted(values.items()) if name != "SHUNIU_HOME" and value]
    write_private(home / ENVIRONMENT_FILE, HEADER + "".join(lines))
