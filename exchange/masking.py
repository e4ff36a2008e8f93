"""Masking of data items on their way out (a property of the item, applied by the readers of a release)."""

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from schemas.words import Masking

KEPT = 4
"""Most characters that KEEP_LAST_4 leaves, and never more than half of them."""
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
            kept = min(KEPT, len(text) // 2)
            return "*" * max(len(text) - kept, 1) + text[len(text) - kept :]
        case Masking.HASH:
            return hashlib.blake2b(text.encode(), key=key[:_FIELD_KEY_BYTES], digest_size=16).hexdigest()
        case Masking.YEAR_ONLY:
            return text[:4]


def stricter(one: str | None, other: str | None) -> str | None:
    """The masking that shows no more than either of two does; of two that show different parts, the hash."""
    if one == other or one is None or other is None:
        return one or other
    return Masking.HASH


def mask_batch(batch: pa.RecordBatch, maskings: Mapping[str, str], key: bytes) -> pa.RecordBatch:
    """Mask the named columns of a batch; a masked column is text."""
    for name, masking in maskings.items():
        position = batch.schema.get_field_index(name)
        masked = pa.array([mask(value, masking, key) for value in batch.column(position).to_pylist()], pa.string())
        batch = batch.set_column(position, name, masked)
    return batch
