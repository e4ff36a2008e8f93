"""The publisher reads the witnesses' cosignatures, to put them on the checkpoints that it publishes."""

from portal.migrations.privileges import grant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    grant("log_cosignature", app="", sequencer="SELECT")
