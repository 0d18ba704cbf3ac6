# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas of docs/schema/, to hold output against."""

import json
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "schema"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def _validator(name):
    store = {file: schema for file, schema in SCHEMAS.items()}
    resolver = jsonschema.RefResolver(base_uri=name, referrer=SCHEMAS[name], store=store)
    return jsonschema.Draft202012Validator(SCHEMAS[name], resolver=resolver)


def problems(name, value):
    """What is wrong with `value` by the schema of this file name, as sentences; a key that the schema does not know is."""
    found = [f"{'/'.join(map(str, error.absolute_path)) or 'the value'}: {error.message}" for error in _validator(name).iter_errors(value)]
    return found + [f"{path}: is not in {name}" for path in _unknown_keys(SCHEMAS[name], value, "")]


def _alternatives(schema):
    """The schema itself, or all that it is put together from, references followed."""
    if "$ref" in schema:
        return _alternatives(SCHEMAS[schema["$ref"]])
    parts = [part for word in ("allOf", "anyOf") for part in schema.get(word, [])]
    return [schema] + [alternative for part in parts for alternative in _alternatives(part)]


def _unknown_keys(schema, value, path):
    schemas = _alternatives(schema)
    if isinstance(value, list):
        for index, item in enumerate(value):
            for each in (s["items"] for s in schemas if "items" in s):
                yield from _unknown_keys(each, item, f"{path}/{index}")
    if isinstance(value, dict):
        known = {key: sub for s in schemas for key, sub in s.get("properties", {}).items()}
        if known:
            if any(s.get("additionalProperties") is True for s in schemas):
                value = {key: item for key, item in value.items() if key in known}
            for key, item in value.items():
                if key not in known:
                    yield f"{path}/{key}"
                else:
                    yield from _unknown_keys(known[key], item, f"{path}/{key}")
