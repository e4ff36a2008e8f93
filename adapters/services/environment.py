"""The home's environment file: what a running hub tells every other command about itself."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from adapters.errors import Misconfigured
from adapters.services.secrets import SecretFolder, write_private
from adapters.settings import ENVIRONMENT_FILE, Settings

NOT_FOR_ALL = ("SHUNIU_HOME", "SHUNIU_LOG_KEY")
"""Left out of the file: the home may be moved, and the log's key is the sequencer's alone."""
HEADER = "# Written by `shuniu up`. These are defaults: a variable set in the environment wins over its line here.\n"


def generated_keys(secrets: SecretFolder) -> dict[str, str]:
    """The hub's own keys, made at first use: cookies, sealing of secrets, log signature, promises, attestation."""
    return {
        "SHUNIU_SECRET_KEY": secrets.password("cookie-key"),
        "SHUNIU_SEALING_KEY": secrets.fernet_key("sealing-key"),
        "SHUNIU_LOG_KEY": secrets.raw_key("log-key"),
        "SHUNIU_PROMISE_KEY": secrets.raw_key("promise-key"),
        "SHUNIU_HUB_KEY": secrets.raw_key("hub-key"),
    }


def given_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment: what `shuniu up` was given, and a task of Airflow must work with too."""
    names = (f"SHUNIU_{field.name.upper()}" for field in fields(Settings))
    return {name: environ[name] for name in names if environ.get(name)}


def write_environment(home: Path, values: Mapping[str, str]) -> None:
    """Replace ``$SHUNIU_HOME/secrets/environment`` (mode 0600).

    Args:
        home: the hub's home.
        values: settings; those that are not for every process are left out.

    Raises:
        Misconfigured: a value has more than one line.
    """
    for name, value in values.items():
        if len(value.splitlines()) > 1:
            raise Misconfigured("services.many_lines", "The setting {setting} must be one line.", setting=name)
    lines = [f"{name}={value}\n" for name, value in sorted(values.items()) if name not in NOT_FOR_ALL and value]
    write_private(home / ENVIRONMENT_FILE, HEADER + "".join(lines))
