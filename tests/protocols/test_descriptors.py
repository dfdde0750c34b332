"""
The generated modules have the wire interface of ``wire.json``: names, numbers and types that unchanged clients rely on.

Both are flattened into facts, a dictionary from a place (``ref.proto message RefExistsRequest field ref``) to what is true
there, so that a difference is one readable line, and no order counts but that of numbers.
"""

from __future__ import annotations

import importlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.message import Message
from twisted.trial.unittest import SynchronousTestCase

import protocols
from protocols.gitaly import lint_pb2

Fact = tuple[str, Any]

WIRE = json.loads((Path(__file__).parent / "wire.json").read_text(encoding="utf-8"))
SOURCES = Path(protocols.__file__).parent / "proto"
FIELD_OPTIONS = ("storage", "repository", "target_repository", "additional_repository", "partition_id")

# ------------------------------------------------------------------------------------------------------ wire.json → facts


def wire_facts(name: str) -> Iterator[Fact]:
    """
    What ``wire.json`` says of a file.
    """
    file = WIRE[name]
    yield name, {"package": file["package"], "syntax": file["syntax"], "imports": sorted(file["imports"])}
    yield from wire_scope(name, file)
    for extension in file.get("extensions", []):
        yield f"{name} extension {extension['name']}", (extension["extends"], extension["number"], extension["type"])
    for service, body in file.get("services", {}).items():
        yield f"{name} service {service}", {"intercepted": body.get("intercepted", False)}
        for method, signature in body["methods"].items():
            yield (
                f"{name} service {service} method {method}",
                {
                    "request": signature["request"],
                    "response": signature["response"],
                    "streaming": (signature.get("client_streaming", False), signature.get("server_streaming", False)),
                    "deprecated": signature.get("deprecated", False),
                    "operation": (signature["op"], signature["scope"]) if "op" in signature else None,
                },
            )


def wire_scope(place: str, scope: dict[str, Any]) -> Iterator[Fact]:
    """
    The messages and enums of a file or of a message.
    """
    for enum, values in scope.get("enums", {}).items():
        yield f"{place} enum {enum}", values
    for message, body in scope.get("messages", {}).items():
        where = f"{place} message {message}"
        reserved = {number for first, last in body.get("reserved_numbers", []) for number in range(first, last + 1)}
        yield where, {"reserved": (reserved, set(body.get("reserved_names", [])))}
        for field in body["fields"]:
            yield (
                f"{where} field {field['name']}",
                {
                    "number": field["number"],
                    "type": field["type"],
                    "repeated": field.get("repeated", False),
                    "optional": field.get("optional", False),
                    "oneof": field.get("oneof"),
                    "deprecated": field.get("deprecated", False),
                    "options": {option for option in FIELD_OPTIONS if field.get(option)},
                },
            )
        yield from wire_scope(where, body)


# ---------------------------------------------------------------------------------------------- generated modules → facts


def made_facts(name: str) -> Iterator[Fact]:
    """
    What the generated module of a file says.
    """
    file = FileDescriptorProto()
    module = name.removesuffix(".proto").replace("/", ".")
    importlib.import_module(f"protocols.gitaly.{module}_pb2").DESCRIPTOR.CopyToProto(file)
    yield name, {"package": file.package, "syntax": file.syntax or "proto2", "imports": sorted(file.dependency)}
    yield from made_enums(name, file.enum_type)
    for message in file.message_type:
        yield from made_message(name, message, f".{file.package}.{message.name}")
    for extension in file.extension:
        yield f"{name} extension {extension.name}", (extension.extendee[1:], extension.number, made_type(extension))
    for service in file.service:
        yield from made_service(name, service)


def made_enums(place: str, enums: Any) -> Iterator[Fact]:
    """
    The enums of a file or of a message.
    """
    for enum in enums:
        assert isinstance(enum, EnumDescriptorProto)
        yield f"{place} enum {enum.name}", {value.name: value.number for value in enum.value}


def made_message(place: str, message: DescriptorProto, full_name: str) -> Iterator[Fact]:
    """
    A message and what is declared within it.
    """
    where = f"{place} message {message.name}"
    reserved = {number for span in message.reserved_range for number in range(span.start, span.end)}
    yield where, {"reserved": (reserved, set(message.reserved_name))}
    maps = {f"{full_name}.{nested.name}": nested for nested in message.nested_type if nested.options.map_entry}
    for field in message.field:
        entry = maps.get(field.type_name)
        options = set(option_values(field.options))
        yield (
            f"{where} field {field.name}",
            {
                "number": field.number,
                "type": f"map<{', '.join(made_type(part) for part in entry.field)}>" if entry else made_type(field),
                "repeated": entry is None and field.label == FieldDescriptorProto.LABEL_REPEATED,
                "optional": field.proto3_optional,
                "oneof": message.oneof_decl[field.oneof_index].name
                if field.HasField("oneof_index") and not field.proto3_optional
                else None,
                "deprecated": "deprecated" in options,
                "options": options - {"deprecated"},
            },
        )
    yield from made_enums(where, message.enum_type)
    for nested in message.nested_type:
        if not nested.options.map_entry:
            yield from made_message(where, nested, f"{full_name}.{nested.name}")


def made_type(field: FieldDescriptorProto) -> str:
    """
    A field's type as ``wire.json`` writes it.
    """
    return field.type_name[1:] or FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def made_service(place: str, service: ServiceDescriptorProto) -> Iterator[Fact]:
    """
    A service and its methods.
    """
    where = f"{place} service {service.name}"
    yield where, {"intercepted": False, **option_values(service.options)}
    for method in service.method:
        yield f"{where} method {method.name}", made_method(method)


def made_method(method: MethodDescriptorProto) -> dict[str, Any]:
    """
    A method's signature and options.
    """
    options = option_values(method.options)
    said = options.pop("op_type", None)
    operation = None
    if said is not None:
        names = lint_pb2.OperationMsg.Operation.Name, lint_pb2.OperationMsg.Scope.Name
        operation = (names[0](said.op), names[1](said.scope_level))
    return {
        "request": method.input_type[1:],
        "response": method.output_type[1:],
        "streaming": (method.client_streaming, method.server_streaming),
        "deprecated": False,
        "operation": operation,
        **options,
    }


def option_values(options: Message) -> dict[str, Any]:
    """
    The options that are set, by name; a switch that is off counts as not set.
    """
    return {option.name: value for option, value in options.ListFields() if value is not False}


class DescriptorTests(SynchronousTestCase):
    """
    The ``.proto`` files are the wire interface, no more and no less.
    """

    def test_files(self) -> None:
        """
        There is a ``.proto`` file for each file of the table; what else there is describes our own records on disk, in ``wal/``.
        """
        files = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.proto")}
        self.assertEqual({name for name in files if not name.startswith("wal/")}, set(WIRE))

    def test_everything(self) -> None:
        """
        Every message, field, enum, service, method, option and reserved name or number is that of the table.
        """
        for name in WIRE:
            wanted, found = dict(wire_facts(name)), dict(made_facts(name))
            missing, superfluous = wanted.keys() - found.keys(), found.keys() - wanted.keys()
            self.assertEqual((sorted(missing), sorted(superfluous)), ([], []))
            for place, fact in wanted.items():
                self.assertEqual(found[place], fact, place)

    def test_extent(self) -> None:
        """
        The table is whole: 20 services with 164 methods.
        """
        places = [place for name in WIRE for place, _ in made_facts(name)]
        self.assertEqual(sum(" method " in place for place in places), 164)
        self.assertEqual(sum(" service " in place and " method " not in place for place in places), 20)

    def test_every_method_is_explained(self) -> None:
        """
        Above every method stands a sentence that says what it is for.
        """
        for name in WIRE:
            lines = (SOURCES / name).read_text(encoding="utf-8").splitlines()
            for above, line in itertools.pairwise(lines):
                if line.startswith("  rpc "):
                    self.assertRegex(above, r"^  // [A-Z].*\.$", f"{name}: {line}")

    def test_option_numbers(self) -> None:
        """
        The options have the numbers that clients and tools look for.
        """
        file = descriptor_pb2.FileDescriptorProto()
        lint_pb2.DESCRIPTOR.CopyToProto(file)
        numbers = {extension.name: extension.number for extension in file.extension}
        self.assertEqual(
            numbers,
            {
                "intercepted": 82302,
                "op_type": 82303,
                "storage": 91233,
                "repository": 91234,
                "target_repository": 91235,
                "additional_repository": 91236,
                "partition_id": 91237,
            },
        )

    def test_a_difference_is_seen(self) -> None:
        """
        The comparison tells a changed number, type, option and streaming from the table's.
        """
        file = descriptor_pb2.FileDescriptorProto()
        importlib.import_module("protocols.gitaly.ref_pb2").DESCRIPTOR.CopyToProto(file)
        method, message = file.service[0].method[0], file.message_type[0]
        facts = [made_method(method), *dict(made_message("", message, f".gitaly.{message.name}")).values()]
        method.server_streaming = not method.server_streaming
        message.field[0].number += 100
        message.reserved_name.append("gone")
        changed = [made_method(method), *dict(made_message("", message, f".gitaly.{message.name}")).values()]
        self.assertNotEqual(facts[0], changed[0])
        self.assertNotEqual(facts[1], changed[1])
        self.assertNotEqual(facts[2], changed[2])
