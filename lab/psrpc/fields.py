"""Tables of protobuf fields → message classes, built at run time.

`livekit.protocol` ships everything under `livekit.*`; psrpc's envelope and the `rpc` package it does not. A field is
written `name:number:type`, the type being s string, y bytes, i int64, b bool, f float, m map<string, string>,
`e=Enum`, or the full name of a message; `*` before it makes it repeated, `?` optional.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "s": _Field.TYPE_STRING,
    "y": _Field.TYPE_BYTES,
    "i": _Field.TYPE_INT64,
    "b": _Field.TYPE_BOOL,
    "f": _Field.TYPE_FLOAT,
}


def build(
    package: str,
    messages: Mapping[str, str],
    *,
    enums: Mapping[str, str] | None = None,
    imports: Sequence[str] = (),
) -> dict[str, type[Message]]:
    """Return the classes of a package by message name. `enums` are value names in order, from 0."""
    file = _new_file(package, imports)
    for name, values in (enums or {}).items():
        enum = file.enum_type.add(name=name)
        for number, value in enumerate(values.split()):
            enum.value.add(name=value, number=number)
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            _add(message, package, field)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{n}")) for n in messages}


def _new_file(package: str, imports: Sequence[str]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"dialroom/{package}.proto", package=package, syntax="proto3")
    file.dependency.extend(imports)
    return file


def _add(message: descriptor_pb2.DescriptorProto, package: str, text: str) -> None:
    name, number, kind = text.split(":")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind.startswith("*"):
        field.label, kind = _Field.LABEL_REPEATED, kind[1:]
    if kind.startswith("?"):
        kind = kind[1:]
        field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    if kind == "m":
        field.label, field.type = _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE
        field.type_name = f".{package}.{message.name}.{_add_map(message, name)}"
    elif kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif kind.startswith("e="):
        field.type, field.type_name = _Field.TYPE_ENUM, f".{kind[2:]}"
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{kind}"


def _add_map(message: descriptor_pb2.DescriptorProto, name: str) -> str:
    """Add the entry type that a map field stands for (protobuf's own encoding of maps)."""
    entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
    entry.options.map_entry = True
    for number, key in enumerate(("key", "value"), start=1):
        entry.field.add(name=key, number=number, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
    return str(entry.name)
