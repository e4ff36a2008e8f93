"""Readers of lake and serving tables for requesters. They take a ``Release`` and nothing else opens those tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from adapters.errors import Terminal
from adapters.lake import Lake
from adapters.objects import objects
from adapters.serving import Serving
from adapters.settings import Settings
from exchange.concerned import named, numbered
from exchange.errors import ReleaseRefused
from exchange.masking import mask, mask_batch
from exchange.release import Release

Row = dict[str, Any]


def batches(release: Release, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Stream the released rows of the lake table, masked, in bounded memory; stops at the release's row limit."""
    left = release.row_limit
    if left == 0:
        return
    maskings = _maskings(release)
    reader = Lake(settings).scan(
        release.terms.location, release.terms.delta_version, list(release.fields), dict(release.row_condition)
    )
    for batch in reader:
        allowed = batch if left is None else batch.slice(0, left)
        if allowed.num_rows:
            yield mask_batch(allowed.select(list(release.fields)), maskings, release.masking_key)
        if left is not None:
            left -= allowed.num_rows
            if left == 0:
                return


def subjects(release: Release, settings: Settings, rows: int) -> Iterator[set[bytes]]:
    """Tokens of those whom the released rows name, batch by batch, whether their numbers are released or not.

    Args:
        rows: how many rows leave, the first ones in load order.
    """
    naming, left = release.terms.naming, rows
    reader = Lake(settings).scan(
        release.terms.location, release.terms.delta_version, list(naming), dict(release.row_condition)
    )
    for batch in reader:
        leaving = batch.slice(0, left)
        yield set().union(*(numbered(kind, leaving.column(name).unique().to_pylist()) for name, kind in naming.items()))
        left -= batch.num_rows
        if left <= 0:
            return


def stored_chunks(release: Release, settings: Settings) -> Iterator[bytes]:
    """Stream the range of stored bytes that a release is for, in pieces of at most 1 MiB.

    Raises:
        Terminal: the release is not for stored bytes.
        Transient: the store fails, perhaps midway.
    """
    stored = release.stored
    if stored is None:
        raise Terminal("release.not_stored", "This release is not for stored bytes.")
    return objects(settings).chunks(stored.object_key, offset=stored.start, length=stored.stop - stored.start)


def rows_by_key(
    release: Release, settings: Settings, key: Mapping[str, str], limit: int
) -> tuple[list[Row], set[bytes]]:
    """Look rows up by exact values of released items.

    Args:
        key: field name to value; every field must be released unmasked.
        limit: most rows to return.

    Returns:
        the rows, and tokens of those whom they name, whether their numbers are released or not.

    Raises:
        ReleaseRefused: a key field is not among the released items, or is masked.
    """
    open_fields = {item.field_name for item in release.items if item.masking is None}
    if not key or not set(key) <= open_fields:
        error = ReleaseRefused("release.key", "Look rows up by items that the grant names and that are not masked.")
        raise error.refused("release.refused", f"grant/{release.grant_id}", release.terms.matter)
    rows = Serving.of(settings).look_up(
        _table(release), _read(release), key, dict(release.row_condition), _at_most(release, limit)
    )
    concerned = named(release.terms.naming, rows)
    return [_masked(release, row) for row in rows], concerned


def page_of_rows(
    release: Release, settings: Settings, after: int | None, limit: int
) -> tuple[list[tuple[int, Row]], set[bytes]]:
    """A page of rows in load order after a row number (None: from the start), each with its number, and tokens of those
    whom they name."""
    rows = Serving.of(settings).browse(
        _table(release), _read(release), dict(release.row_condition), _at_most(release, limit), after
    )
    concerned = named(release.terms.naming, [row for _, row in rows])
    return [(number, _masked(release, row)) for number, row in rows], concerned


def released_schema(release: Release, loaded: pa.Schema) -> pa.Schema:
    """The Arrow schema of what leaves: released fields in order, masked ones as text."""
    return pa.schema(
        [
            pa.field(item.field_name, pa.string() if item.masking else loaded.field(item.field_name).type)
            for item in release.items
        ]
    )


def _maskings(release: Release) -> dict[str, str]:
    return {item.field_name: item.masking for item in release.items if item.masking}


def _read(release: Release) -> Sequence[str]:
    """What is read: the released fields, then those that name subjects and are not released."""
    return [*release.fields, *(name for name in release.terms.naming if name not in release.fields)]


def _masked(release: Release, row: Row) -> Row:
    """A row as it may leave, of the fields that ``_read`` names."""
    for name in list(row)[len(release.fields) :]:
        del row[name]
    for name, masking in _maskings(release).items():
        row[name] = mask(row[name], masking, release.masking_key)
    return row


def _at_most(release: Release, limit: int) -> int:
    return limit if release.row_limit is None else min(limit, release.row_limit)


def _table(release: Release) -> str:
    table = release.terms.serving_table
    if table is None:
        raise ReleaseRefused("release.no_data", "The provider has not loaded data for this resource yet.")
    return table
