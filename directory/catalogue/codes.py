"""Codes of resources: the classification and a sequence number without gaps, counted within the classification."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from directory.catalogue.models import ResourceCounter
from schemas.identifiers.resource_code import LAST_SEQUENCE, make


def next_code(session: Session, classification: str) -> str:
    """Take the next code of a classification.

    The counter stays locked until the transaction ends, so a number that is rolled back is given to the next one.

    Raises:
        Conflict: six digits are used up.
    """
    first = insert(ResourceCounter).values(classification=classification, last=1)
    more = first.on_conflict_do_update(
        index_elements=[ResourceCounter.classification], set_={"last": ResourceCounter.last + 1}
    )
    number = session.execute(more.returning(ResourceCounter.last)).scalar_one()
    if number > LAST_SEQUENCE:
        sentence = "The classification {classification} has no numbers left. Choose a narrower one."
        raise Conflict("resource.codes_used_up", sentence, classification=classification)
    return make(classification, number)
