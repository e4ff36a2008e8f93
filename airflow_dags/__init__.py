"""When data moves: DAG files, read by Airflow and importing nothing but ``airflow.sdk``."""
