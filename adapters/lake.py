"""The lake: Delta tables over Parquet in the object store. A dataset version is a version of such a table.

Files are written first and become a table's content in one commit; a reader sees all of them or none.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from adapters.errors import InvalidInput, NotFound, Transient
from adapters.objects import objects
from adapters.parquet import Part
from adapters.settings import Settings

BATCH_ROWS = 65_536
COMMIT_ATTEMPTS = 15
CONFIGURATION = {"delta.enableExpiredLogCleanup": "false"}
"""Old versions stay readable: releases were made from them."""


class Lake:
    """The tables of one site. A location is a path in the bucket, such as ``lake/<resource id>``.

    Args:
        settings: address, keys and bucket of the object store.
    """

    def __init__(self, settings: Settings) -> None:
        settings.require("s3_url", "s3_access_key", "s3_secret_key")
        self._settings = settings
        self._root = f"s3://{settings.s3_bucket}"
        self.storage_options = {
            "AWS_ENDPOINT_URL": settings.s3_url,
            "AWS_ACCESS_KEY_ID": settings.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true" if settings.s3_url.startswith("http:") else "false",
            "aws_conditional_put": "etag",
        }

    def scan(
        self, location: str, delta_version: int, columns: Sequence[str], condition: Mapping[str, Any] | None = None
    ) -> pa.RecordBatchReader:
        """Read columns of one version in load order, in bounded memory.

        Args:
            location: the table.
            delta_version: which version.
            columns: which columns, in this order.
            condition: ``{}`` for all rows, or ``{"field", "operator": EQUALS|IN|PREFIX, "values": [text, ...]}``; it
                reaches down to the Parquet row groups, and its field need not be among the columns.

        Raises:
            NotFound: no such table or version.
            InvalidInput: the condition names no field of the table, or a value that its type cannot be.
        """
        dataset = self._dataset(location, delta_version)
        expression = expression_of(dataset.schema, condition or {})
        scanner = dataset.scanner(
            columns=list(columns), filter=expression, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1
        )
        return scanner.to_reader()

    def count(self, location: str, delta_version: int, condition: Mapping[str, Any] | None = None) -> int:
        """Rows of one version, those alone that meet a condition when one is given (as in ``scan``)."""
        if not condition:
            return int(self._table(location, delta_version).count())
        dataset = self._dataset(location, delta_version)
        return int(dataset.count_rows(filter=expression_of(dataset.schema, condition)))

    def schema(self, location: str, delta_version: int) -> pa.Schema:
        """The Arrow schema of one version."""
        return pa.schema(self._table(location, delta_version).schema().to_arrow())

    def write(self, location: str, data: pa.RecordBatchReader, *, mode: str = "append") -> int:
        """Write a stream as a new version: added to the table (``append``) or in its place (``overwrite``).

        Returns:
            the new version.
        """
        if mode not in {"append", "overwrite"}:
            raise InvalidInput("lake.bad_mode", "A table is written by append or overwrite, not {mode}.", mode=mode)
        with _told(location):
            write_deltalake(
                self._address(location),
                data,
                mode="append" if mode == "append" else "overwrite",
                schema_mode="overwrite" if mode == "overwrite" else None,
                storage_options=self.storage_options,
                configuration=CONFIGURATION,
            )
            return DeltaTable(self._address(location), storage_options=self.storage_options).version()

    def store(self, location: str, content: pa.Buffer, part: Part) -> None:
        """Lay a file that was written (``PartWriter.close``) below a location; it is no table's content yet."""
        objects(self._settings).put(
            f"{location}/{part.path}",
            cast(BinaryIO, pa.BufferReader(content)),
            length=part.bytes,
            media_type="application/vnd.apache.parquet",
        )

    def file_batches(self, location: str, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of one file below a location, whether or not it is a table's content; the file is held in memory."""
        content = b"".join(objects(self._settings).chunks(f"{location}/{path}"))
        yield from pq.ParquetFile(pa.BufferReader(content)).iter_batches(BATCH_ROWS, columns=list(columns))

    def remove_strays(self, location: str, prefix: str, parts: Sequence[Part]) -> int:
        """Remove files below a location whose path begins with ``prefix`` and that are not among ``parts``."""
        store = objects(self._settings)
        kept = {f"{location}/{part.path}" for part in parts}
        strays = [key for key in store.keys(f"{location}/{prefix}") if key not in kept]
        for key in strays:
            store.remove(key)
        return len(strays)

    def commit(self, location: str, schema: pa.Schema, parts: Sequence[Part], *, work_id: str) -> int:
        """Make files the whole content of the table, in one new version, once per piece of work.

        Args:
            location: the table, made when missing.
            schema: of the files; it becomes the table's.
            parts: files that lie below the location, in load order.
            work_id: repeating a commit for the same work changes nothing.

        Returns:
            the version that holds the files.
        """
        with _told(location):
            for attempt in range(1, COMMIT_ATTEMPTS + 1):
                table = self._newest(location, schema)
                if table.transaction_version(work_id) is not None:
                    return self._version_of(location, table.version(), work_id)
                try:
                    return _replace(table, schema, parts, work_id)
                except CommitFailedError:
                    if attempt == COMMIT_ATTEMPTS:
                        raise
                    time.sleep(random.uniform(0, 0.1 * attempt))
        raise AssertionError

    def _newest(self, location: str, schema: pa.Schema) -> DeltaTable:
        """The table as it is now, made where it is missing."""
        try:
            return DeltaTable(self._address(location), storage_options=self.storage_options)
        except TableNotFoundError:
            return DeltaTable.create(
                self._address(location),
                schema,
                mode="ignore",
                storage_options=self.storage_options,
                configuration=CONFIGURATION,
            )

    def _version_of(self, location: str, newest: int, work_id: str) -> int:
        """The version that a piece of work made, read from the log itself: ``DeltaTable.history`` misnumbers versions
        while others commit."""
        store = objects(self._settings)
        for version in range(newest, -1, -1):
            lines = b"".join(store.chunks(f"{location}/_delta_log/{version:020}.json")).splitlines()
            if any(orjson.loads(line).get("txn", {}).get("appId") == work_id for line in lines):
                return version
        raise NotFound("lake.no_version", "The table holds no version made by {work_id}.", work_id=work_id)

    def _address(self, location: str) -> str:
        return f"{self._root}/{location}"

    def _table(self, location: str, delta_version: int) -> DeltaTable:
        with _told(location):
            return DeltaTable(self._address(location), version=delta_version, storage_options=self.storage_options)

    def _dataset(self, location: str, delta_version: int) -> ds.Dataset:
        """The files in load order. Delta's own statistics are left to one side: deltalake reads a missing smallest or
        greatest value as "no row matches"; the row groups' statistics do the skipping."""
        given = self._table(location, delta_version).to_pyarrow_dataset()
        form = ds.ParquetFileFormat()
        paths = sorted(fragment.path for fragment in given.get_fragments())
        fragments = [form.make_fragment(path, given.filesystem) for path in paths]
        return ds.FileSystemDataset(fragments, given.schema, form, given.filesystem)


def _replace(table: DeltaTable, schema: pa.Schema, parts: Sequence[Part], work_id: str) -> int:
    """Put files in the place of all others and return the new version. Not repeated by deltalake itself: it would keep
    what another commit added meanwhile beside ours."""
    table.create_write_transaction(
        [AddAction(part.path, part.bytes, {}, 0, True, part.stats) for part in parts],
        "overwrite",
        schema,
        commit_properties=CommitProperties(
            custom_metadata={"work_id": work_id},
            max_commit_retries=0,
            app_transactions=[Transaction(work_id, 1, None)],
        ),
    )
    return table.version() + 1


def expression_of(schema: pa.Schema, condition: Mapping[str, Any]) -> pc.Expression | None:
    """A row condition as an Arrow expression; None when there is none.

    Raises:
        InvalidInput: unknown field or operator, no values, or a value that the field's type cannot be.
    """
    if not condition:
        return None
    name, operator, values = condition.get("field"), condition.get("operator"), condition.get("values")
    if name not in schema.names or not isinstance(values, list) or not values:
        raise _bad_condition(name)
    kind = schema.field(name).type
    field = ds.field(name)
    if operator == "PREFIX" and pa.types.is_string(kind):
        expressions = [pc.starts_with(field, str(value)) for value in values]
        return _any(expressions)
    try:
        wanted = pa.array([str(value) for value in values], pa.string()).cast(kind)
    except pa.ArrowInvalid as error:
        raise _bad_condition(name) from error
    if operator == "IN" or (operator == "EQUALS" and len(wanted) == 1):
        return field.isin(wanted)
    raise _bad_condition(name)


def _any(expressions: list[pc.Expression]) -> pc.Expression:
    whole = expressions[0]
    for expression in expressions[1:]:
        whole = whole | expression
    return whole


def _bad_condition(name: object) -> InvalidInput:
    return InvalidInput(
        "lake.bad_condition",
        "The row condition on {field} cannot be applied to this dataset. Check its field, operator and values.",
        field=str(name),
    )


@contextmanager
def _told(location: str) -> Iterator[None]:
    """Turn deltalake's errors into ours."""
    try:
        yield
    except TableNotFoundError as error:
        raise NotFound(
            "lake.no_version", "There is no such version of the table {location}.", location=location
        ) from error
    except (DeltaError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        if "end version" in reason:
            raise NotFound(
                "lake.no_version", "There is no such version of the table {location}.", location=location
            ) from error
        raise Transient(
            "lake.failed", "The lake did not do its part for {location} ({reason}).", location=location, reason=reason
        ) from error
