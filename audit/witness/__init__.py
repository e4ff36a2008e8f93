"""Witnesses of the log: other agencies' machines that cosign its checkpoints (C2SP tlog-witness, tlog-policy)."""
