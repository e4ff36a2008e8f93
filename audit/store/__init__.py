"""The log in the object store: its hash tiles and checkpoints, published and compared with the database."""
