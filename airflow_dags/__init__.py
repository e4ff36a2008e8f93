"""When data moves: a DAG per kind of work, never per dataset."""
