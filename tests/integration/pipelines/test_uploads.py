"""Files that agencies upload are kept as they are, or not at all."""

import hashlib
import io
import uuid

import pytest

from adapters.errors import InvalidInput
from adapters.objects import objects
from adapters.settings import Settings
from pipelines.uploads import LONGEST_HEADER, keep_csv


def test_a_csv_is_kept_whole(settings: Settings) -> None:
    agency, body = uuid.uuid4(), "代码,名称\n1,北京\n".encode("gb18030") + b"2,x\n" * LONGEST_HEADER
    kept = keep_csv(settings, agency, io.BytesIO(body), "gb18030")
    assert kept.heads == ("代码", "名称")
    assert kept.object_key.startswith(f"uploads/{agency}/")
    assert (kept.bytes, kept.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert b"".join(objects(settings).chunks(kept.object_key)) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n1,2\n",
        b"PK\x03\x04\x00\x00",
        b"a,b\n" + b"1,2\n" * LONGEST_HEADER + b"\x00",
        b"a,a\n1,2\n",
        b"a,\n1,2\n",
        "代码,名称\n".encode("gb18030"),
    ],
    ids=["empty", "no heads", "workbook", "zero byte far in", "a head twice", "a head missing", "another encoding"],
)
def test_what_is_no_csv_is_not_kept(settings: Settings, body: bytes) -> None:
    agency = uuid.uuid4()
    with pytest.raises(InvalidInput) as refused:
        keep_csv(settings, agency, io.BytesIO(body), "utf-8")
    assert refused.value.code == "upload.no_csv"
    assert list(objects(settings).keys(f"uploads/{agency}/")) == []
