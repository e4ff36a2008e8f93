"""What a running hub tells other commands about itself."""

from pathlib import Path

from adapters.services.environment import given_settings, write_environment
from adapters.settings import Settings


def test_other_commands_work_with_the_settings_that_the_hub_was_given(tmp_path: Path) -> None:
    given = {"SHUNIU_LOG_ORIGIN": "city.example/log", "SHUNIU_S3_BUCKET": "city", "SHUNIU_HOME": str(tmp_path)}
    (tmp_path / "secrets").mkdir()
    write_environment(tmp_path, given_settings(given | {"SHUNIU_CITY_NAME": "", "PATH": "/bin", "SHUNIU_OTHER": "1"}))
    written = (tmp_path / "secrets" / "environment").read_text()
    assert [line for line in written.splitlines() if not line.startswith("#")] == [
        "SHUNIU_LOG_ORIGIN=city.example/log",
        "SHUNIU_S3_BUCKET=city",
    ]
    settings = Settings.load({"SHUNIU_HOME": str(tmp_path)})
    assert (settings.log_origin, settings.s3_bucket) == ("city.example/log", "city")
