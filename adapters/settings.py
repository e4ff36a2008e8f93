"""The one settings object. Values come from the environment alone.

``shuniu up`` leaves what it was given and what it generated (addresses, passwords, keys) as ``KEY=VALUE`` lines in
``$SHUNIU_HOME/secrets/environment``, readable by its owner only; those lines are defaults beneath the process
environment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from adapters.errors import Misconfigured

ENVIRONMENT_FILE = Path("secrets") / "environment"


def read_environment_file(path: Path) -> dict[str, str]:
    """Read ``KEY=VALUE`` lines; a missing file is empty, blank lines and ``#`` lines are passed over."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)


@dataclass(frozen=True, repr=False)
class Settings:
    """Every setting, named like its environment variable without the prefix ``SHUNIU_``.

    Sizes are bytes, times are seconds. An empty string means "not set".
    """

    home: Path
    database_url: str = ""
    app_database_url: str = ""
    sequencer_database_url: str = ""
    serving_url: str = ""
    s3_url: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    s3_bucket: str = "shuniu"
    log_bucket: str = ""
    log_prefix: str = "log"
    lock_bucket: str = ""
    lock_years: int = 3
    retention_rule: str = "national-2024"
    retention_years: int = 0
    hot_months: int = 13
    airflow_url: str = ""
    airflow_token: str = ""
    airflow_user: str = ""
    airflow_password: str = ""
    portal_url: str = "http://127.0.0.1:8300"
    portal_port: int = 8300
    postgres_port: int = 8310
    airflow_port: int = 8320
    s3_port: int = 8330
    secret_key: str = ""
    sealing_key: str = ""
    log_key: str = ""
    log_verifier: str = ""
    promise_key: str = ""
    hub_key: str = ""
    log_origin: str = "shuniu.example/log"
    witnesses: str = ""
    tsa_url: str = ""
    tsa_certificates: str = ""
    tsa_policy: str = ""
    city_name: str = ""
    case_clock_turnable: bool = False
    trusted_proxies: int = 0
    upload_limit: int = 256 * 1024 * 1024
    body_limit: int = 1024 * 1024
    session_seconds: int = 8 * 3600
    token_seconds: int = 3600
    address_seconds: int = 3600
    lockout_failures: int = 5
    lockout_seconds: int = 900
    evidence_grace_seconds: int = 600
    promise_seconds: int = 60

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Build the settings from an environment (the process's own by default) over the home's environment file.

        Raises:
            Misconfigured: a value is not of its setting's kind; the sentence names the variable.
        """
        given = dict(os.environ if environ is None else environ)
        home = Path(given.get("SHUNIU_HOME") or "var").resolve()
        merged = {**read_environment_file(home / ENVIRONMENT_FILE), **given}
        values: dict[str, object] = {"home": home}
        for field in fields(cls):
            name = f"SHUNIU_{field.name.upper()}"
            if field.name != "home" and merged.get(name):
                values[field.name] = _converted(name, merged[name], field.default)
        return cls(**values)  # type: ignore[arg-type]  # each value was converted to its field's kind above

    def require(self, *names: str) -> None:
        """Check that the named settings are there.

        Raises:
            Misconfigured: naming the first variable that is missing.
        """
        for name in names:
            if not getattr(self, name):
                raise Misconfigured(
                    "settings.missing",
                    "The setting {setting} is not set. Set it, or start the services with `shuniu up` first.",
                    setting=f"SHUNIU_{name.upper()}",
                )

    def __repr__(self) -> str:
        return f"Settings(home={self.home})"


def _converted(name: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() not in {"0", "1", "true", "false"}:
            raise Misconfigured(
                "settings.not_boolean", "The setting {setting} must be 0 or 1, not {text}.", setting=name, text=text
            )
        return text.lower() in {"1", "true"}
    if isinstance(default, int):
        if not text.isdigit():
            raise Misconfigured(
                "settings.not_number",
                "The setting {setting} must be a whole number, not {text}.",
                setting=name,
                text=text,
            )
        return int(text)
    return text
