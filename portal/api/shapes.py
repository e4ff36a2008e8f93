"""Parts of answers that several routes have: JSON Schemas (2020-12) of values, of a catalogue entry and its items."""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer"}
MAYBE_NUMBER: Schema = {"type": ["integer", "null"]}
FLAG: Schema = {"type": "boolean"}
UUID: Schema = {"type": "string", "format": "uuid"}
MAYBE_UUID: Schema = {"type": ["string", "null"], "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
MAYBE_DAY: Schema = {"type": ["string", "null"], "format": "date"}
WORDS: Schema = {"type": "array", "items": TEXT}
BASIS: Schema = {
    "type": ["object", "null"],
    "properties": {"kind": TEXT, "document": TEXT, "number": TEXT, "article": TEXT},
    "description": "Law, regulation or rule",
}
ROW_CONDITION: Schema = {
    "type": ["object", "null"],
    "properties": {"field": TEXT, "operator": TEXT, "values": {"type": "array"}},
    "description": "Which rows; empty for all",
}
ITEM: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "field_name", "data_type", "description", "share_attribute"), TEXT),
        **dict.fromkeys(("share_condition", "open_attribute", "sensitivity", "on_mismatch"), MAYBE_TEXT),
        **dict.fromkeys(("identifier_kind", "masking", "code_list"), MAYBE_TEXT),
        "position": NUMBER,
        "length": MAYBE_NUMBER,
        "scale": MAYBE_NUMBER,
        "nullable": FLAG,
        "is_key": FLAG,
        "basis": BASIS,
    },
}
METADATA: Schema = {
    **dict.fromkeys(("resource_class", "theme", "classification_code", "format", "network", "system_name"), MAYBE_TEXT),
    **dict.fromkeys(("subject_kind", "secrecy_level", "ground"), MAYBE_TEXT),
    "keywords": WORDS,
    "parallel_approval": FLAG,
}
"""Properties of a catalogue entry beside those that a list shows."""
