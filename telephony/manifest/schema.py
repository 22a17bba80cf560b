"""The manifest as a JSON schema (draft 2020-12), for editors: what may be written. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from telephony.manifest.describe import DESCRIPTIONS
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberLine
from telephony.manifest.route import PRESETS

Schema = dict[str, Any]
_VARIABLE = r"^\$\{[A-Z][A-Z0-9_]*(:-.*)?\}$"
_NUMBER: Schema = {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def json_schema() -> Schema:
    """Return the schema. Editors know every key and what it means; the loader checks more than a schema can say."""
    _, whole = models_json_schema([(Manifest, "validation"), (NumberLine, "validation")], title="dialroom manifest")
    parts: dict[str, Schema] = whole["$defs"]
    root = parts.pop("Manifest")
    root["properties"]["numbers"] = {"type": "array", "items": {"$ref": "#/$defs/NumberLine"}}
    for unused in ("NumberEntry", "CallSettings", "SipDestination"):
        parts.pop(unused, None)
    _write_as_people_do(parts)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": parts}
    schema["title"] = "dialroom manifest"
    for name, model in (("Manifest", schema), *parts.items()):
        _describe(name, model)
    return _with_variables(schema)


def schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _write_as_people_do(parts: Mapping[str, Schema]) -> None:
    """Put the forms that people write in place of those that the models keep."""
    mapping = {"type": "object", "additionalProperties": {"type": "string"}}
    for name in ("NumberSettings", "NumberLine"):
        properties = parts[name]["properties"]
        properties["labels"] = mapping.copy()
        properties["headers_to_attributes"] = mapping.copy()
    parts["NumberLine"]["properties"]["number"] = _NUMBER.copy()
    parts["NumberLine"]["properties"]["numbers"] = {"type": "array", "items": _NUMBER, "minItems": 1}
    parts["NumberRange"]["properties"] = {"first": _NUMBER.copy(), "last": _NUMBER.copy()}
    parts["Limits"]["properties"]["callers"] = {"type": "array", "items": _NUMBER}
    parts["Person"]["properties"]["call"] = _NUMBER.copy()
    somebody = {"anyOf": [*_NUMBER["anyOf"], {"$ref": "#/$defs/Person"}]}
    parts["Target"]["properties"]["people"] = {"type": "array", "items": somebody, "minItems": 1}
    parts["SipRoute"]["properties"]["sip"] = {"$ref": "#/$defs/SipPlace"}
    parts["StreamUrls"]["properties"]["server"] = {"type": "string"}
    parts["SipPlace"] = {  # type: ignore[index]
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "preset": {"enum": sorted(PRESETS)},
                    "host": {"type": "string"},
                    "project": {"type": "string"},
                    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                    "transport": {"enum": ["udp", "tcp", "tls"]},
                    "fallbacks": {"type": "array", "items": {"$ref": "#/$defs/SipPlace"}},
                },
            },
        ]
    }


def _describe(name: str, model: Schema) -> None:
    for option in (model, *model.get("anyOf", ())):
        for key, field in option.get("properties", {}).items():
            text = DESCRIPTIONS[f"{name}.{key}"]
            if "$ref" in field:
                option["properties"][key] = {"allOf": [field], "description": text}
            else:
                field["description"] = text
            field.pop("title", None)
    model.pop("title", None) if name != "Manifest" else None


def _with_variables(schema: Schema) -> Schema:
    """Let ``${NAME}`` stand for every value that is no text."""
    for part in _parts(schema):
        kind = part.get("type")
        if kind in ("integer", "number", "boolean"):
            limits = {key: part.pop(key) for key in list(part) if key not in ("description", "default")}
            part["anyOf"] = [limits, {"type": "string", "pattern": _VARIABLE}]
    return schema


def _parts(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        for inner in list(value.values()):
            yield from _parts(inner)
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)
