"""Variables in manifest texts: ``${NAME}`` and ``${NAME:-default}``; ``$${`` is a literal ``${``."""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$?\$\{(?P<body>[^}]*)\}?", re.ASCII)
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-.*)?", re.ASCII | re.DOTALL)


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Replace every variable by its value; the default stands in for an unset or empty one, as in a shell.

    Raises:
        ValueError: an unset variable without default, or braces that do not hold a name.
    """
    return _VARIABLE.sub(lambda match: _value(match, environ), text)


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    written = match.group()
    if written.startswith("$$"):
        return written[1:]
    body = _BODY.fullmatch(match["body"])
    if body is None or not written.endswith("}"):
        raise ValueError(f"{written!r} is no variable; write ${{NAME}}, ${{NAME:-default}}, or $${{ for a literal ${{")
    value = environ.get(body["name"], "")
    if value:
        return value
    if body["default"] is not None:
        return body["default"][2:]
    if body["name"] in environ:
        return value
    name = body["name"]
    raise ValueError(f"the environment variable {name} is not set; set it or write ${{{name}:-default}}")
