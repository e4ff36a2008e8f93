"""The outside world: settings, clocks, PostgreSQL, S3, lake tables, Airflow."""
