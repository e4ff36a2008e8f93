"""Masking of data items on their way out (a property of the item, applied by the readers of a release)."""

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from schemas.words import Masking

KEPT = 4
_FIELD_KEY_BYTES = 32


def mask(value: object, masking: str, key: bytes) -> str | None:
    """Mask one value; None stays None.

    Args:
        value: text, number or date as it lies in the data.
        masking: a word of ``schemas.words.Masking``.
        key: secret of the release's grant, so that hashed values of two grants cannot be joined.
    """
    if value is None:
        return None
    text = str(value)
    match Masking(masking):
        case Masking.KEEP_LAST_4:
            return "*" * max(len(text) - KEPT, 1) + (text[-KEPT:] if len(text) > KEPT else "")
        case Masking.HASH:
            return hashlib.blake2b(text.encode(), key=key[:_FIELD_KEY_BYTES], digest_size=16).hexdigest()
        case Masking.YEAR_ONLY:
            return text[:4]


def mask_batch(batch: pa.RecordBatch, maskings: Mapping[str, str], key: bytes) -> pa.RecordBatch:
    """Mask the named columns of a batch; a masked column is text."""
    for name, masking in maskings.items():
        position = batch.schema.get_field_index(name)
        masked = pa.array([mask(value, masking, key) for value in batch.column(position).to_pylist()], pa.string())
        batch = batch.set_column(position, name, masked)
    return batch
