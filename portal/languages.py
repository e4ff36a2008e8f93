"""The two languages, and which one is being spoken."""

from flask_babel import get_locale

CHINESE, ENGLISH = "zh_Hans_CN", "en"
LANGUAGES = {CHINESE: "中文", ENGLISH: "English"}


def N_(message: str) -> str:
    """Mark a message for translation where it is only named; it is translated where it is shown."""
    return message


def is_chinese() -> bool:
    """Whether the present language is Chinese; it is outside requests too."""
    locale = get_locale()
    return locale is None or locale.language == "zh"
