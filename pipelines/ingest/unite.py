"""Partitions of a load brought together: repeated keys between them set aside, rows set aside gathered in one file."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.lake import Lake
from adapters.objects import ObjectStore, objects
from adapters.parquet import PartWriter
from pipelines.digest import RowDigest
from pipelines.ingest.extract import Extracted, Items, LoadedFile
from pipelines.ingest.keys import reason, repeated_rows
from pipelines.ingest.part import set_aside_of
from pipelines.ingest.set_aside import SetAside
from pipelines.steps import Claim
from schemas.arrow_types import arrow_schema
from schemas.row_checks import without

FILES_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class United:
    """A whole load: ``rows_source`` = ``rows_read`` = ``rows_good`` + ``rows_set_aside``.

    Attributes:
        files: in load order.
        reasons: how often each reason set a value aside.
        flagged: how often each remark was made on rows that stay.
        set_aside_key: object key of all rows set aside; None when there are none.
    """

    files: tuple[LoadedFile, ...]
    rows_source: int
    rows_read: int
    rows_good: int
    rows_set_aside: int
    reasons: Mapping[str, int]
    flagged: Mapping[str, int]
    set_aside_key: str | None


def unite(dataset_id: uuid.UUID, location: str, items: Items, parts: Sequence[Extracted], claim: Claim) -> United:
    """Bring the partitions of a load together.

    Args:
        dataset_id: the dataset version.
        location: its table.
        items: its data items.
        parts: what each partition gave, in order.
        claim: names what this attempt writes.
    """
    files = [file for part in parts for file in part.files]
    keys = [item["field_name"] for item in items if item.get("is_key")]
    repeated: dict[int, list[int]] = {}
    lake, store = Lake(claim.settings), objects(claim.settings)
    apart = len(parts) == 1 or claim.reached["keys_apart"]
    if keys and not (apart and all(part.keys_compared for part in parts)):
        columns = [_Columns(lake, location, file, keys) for file in files]
        repeated = repeated_rows(columns, keys, sum(file.part.rows for file in files))
    names = [item["field_name"] for item in items]
    with SetAside(names, claim.settings.home / "scratch") as aside:
        for number, places in repeated.items():
            files[number] = _rewritten(lake, location, files[number], places, items, aside)
        key = _gathered(store, aside, dataset_id, parts, claim)
        reasons = Counter(aside.reasons) if aside.rows else Counter()
    for part in parts if not reasons else ():
        reasons.update(part.reasons)
    flagged: Counter[str] = Counter()
    for part in parts:
        flagged.update(part.flagged)
    again = sum(map(len, repeated.values()))
    return United(
        files=tuple(files),
        rows_source=sum(part.rows_source for part in parts),
        rows_read=sum(part.rows_read for part in parts),
        rows_good=sum(file.part.rows for file in files),
        rows_set_aside=sum(part.rows_set_aside for part in parts) + again,
        reasons=reasons,
        flagged=flagged,
        set_aside_key=key,
    )


class _Columns:
    """The key columns of a file, as often as they are asked for."""

    def __init__(self, lake: Lake, location: str, file: LoadedFile, columns: Sequence[str]) -> None:
        self._lake, self._location, self._path, self._columns = lake, location, file.part.path, columns

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._lake.file_batches(self._location, self._path, self._columns)


def _rewritten(
    lake: Lake, location: str, file: LoadedFile, places: Sequence[int], items: Items, aside: SetAside
) -> LoadedFile:
    """The file without the rows at these places; its name and content are the same whenever this is repeated."""
    schema = arrow_schema(items)
    writer, digest, first = PartWriter(schema), RowDigest(schema), 0
    keys = [item["field_name"] for item in items if item.get("is_key")]
    wanted = set(places)
    for batch in lake.file_batches(location, file.part.path, schema.names):
        here = [place - first for place in sorted(wanted) if first <= place < first + batch.num_rows]
        first += batch.num_rows
        if here:
            aside.add_repeated(batch.take(pa.array(here)), pa.nulls(len(here), pa.int64()), reason(keys))
            batch = without(batch, here)
        writer.write(batch)
        digest.update(batch)
    path = f"{file.part.path.removesuffix('.parquet')}-unique.parquet"
    content, part = writer.close(path)
    lake.store(location, content, part)
    return LoadedFile(part, digest.hexdigest())


def _gathered(
    store: ObjectStore, aside: SetAside, dataset_id: uuid.UUID, parts: Sequence[Extracted], claim: Claim
) -> str | None:
    """One object with all rows set aside; the only partition's own where nothing is to be added."""
    given = [part.set_aside_key for part in parts if part.set_aside_key]
    if len(parts) == 1 and not aside.rows:
        return given[0] if given else None
    before = 0
    for part in parts:
        if part.set_aside_key:
            content = b"".join(store.chunks(part.set_aside_key))
            for batch in pq.ParquetFile(pa.BufferReader(content)).iter_batches(FILES_BATCH_ROWS):
                aside.add(batch, before)
        before += part.rows_read
    return aside.store(store, f"{set_aside_of(dataset_id)}all-{claim.token}.parquet")
