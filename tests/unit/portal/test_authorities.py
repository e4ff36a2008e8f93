"""Authorities and moments of evidence read as words in both languages, whatever short form the entry keeps."""

import pytest
from flask import Flask
from flask_babel import force_locale

from portal.authorities import authority
from portal.filters import time_tag
from portal.i18n import install
from portal.languages import CHINESE, ENGLISH


@pytest.mark.parametrize(
    ("stated", "chinese", "english"),
    [
        (
            "shanghai-2016 Art. 15",
            "《上海市政务数据资源共享管理办法》第15条",
            "Shanghai Measures for Sharing Government Data Resources, Article 15",
        ),
        (
            "[M] Art. 21",
            "《上海市政务数据资源共享管理办法》第21条",
            "Shanghai Measures for Sharing Government Data Resources, Article 21",
        ),
        ("grant/SCJ-SX-2026-0001", "授权 SCJ-SX-2026-0001", "Grant SCJ-SX-2026-0001"),
        ("application/SWJ-SQ-2026-0001", "申请 SWJ-SQ-2026-0001", "Application SWJ-SQ-2026-0001"),
        ("resource_version/51c6", "目录版本", "Version of an entry"),
        ("anomaly/51c6", "异常", "Anomaly"),
        ("会议纪要3号", "会议纪要3号", "会议纪要3号"),
        (None, "", ""),
    ],
)
def test_an_authority_reads_in_both_languages(stated: str | None, chinese: str, english: str) -> None:
    app = Flask(__name__)
    install(app)
    for language, words in ((CHINESE, chinese), (ENGLISH, english)):
        with app.test_request_context(), force_locale(language):
            assert authority(stated) == words


def test_a_moment_in_an_entry_reads_as_every_other() -> None:
    assert str(time_tag("2026-09-14T02:00:05.123456Z")) == (
        '<time datetime="2026-09-14T10:00:05+08:00" title="2026-09-14T10:00:05+08:00">2026-09-14 10:00</time>'
    )
    assert str(time_tag(None)) == str(time_tag("")) == ""
