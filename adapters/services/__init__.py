"""The services that the hub starts for itself: PostgreSQL, SeaweedFS, Airflow, and whoever watches them."""
