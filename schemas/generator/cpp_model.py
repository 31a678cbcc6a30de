"""What the C++ side is made of: which header declares what, in which order, and how a schema node becomes a member."""

import re
import textwrap
from dataclasses import dataclass, field

from .loader import SchemaError, snake

RENAMED = {"default": "is_default", "namespace": "namespace_name", "inline": "inline_json"}
KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class const constexpr continue default delete
    do double else enum explicit export extern false float for friend goto if inline int long mutable namespace new
    not operator or private protected public register requires return short signed sizeof static struct switch
    template this throw true try typedef typeid typename union unsigned using virtual void volatile while xor
    metadata""".split())
UNITS = [("h", 3_600_000_000, "hours"), ("m", 60_000_000, "minutes"), ("s", 1_000_000, "seconds"),
         ("ms", 1_000, "milliseconds")]


@dataclass
class Member:
    """One data member of a struct."""
    json_name: str
    name: str
    type: str
    init: str
    rules: list
    comment: str
    uses: set          # Names of our types that it needs.


@dataclass
class Declaration:
    """One struct, enum or table of constants."""
    name: str
    form: str          # struct, kind, enum or constants.
    comment: str
    members: list = field(default_factory=list)   # Members, enum words, or (word, meaning).
    kind: object = None

    @property
    def uses(self):
        return set().union(*(member.uses for member in self.members)) if self.form in ("struct", "kind") else set()


@dataclass
class Header:
    """One generated header, `name`.h."""
    name: str
    declarations: list = field(default_factory=list)


def member_name(json_name):
    name = RENAMED.get(json_name, snake(json_name))
    if name in KEYWORDS:
        raise SchemaError(f"field {json_name}: is a word of C++, give it a name in cpp_model.RENAMED")
    return name


def enumerator(word):
    return "k" + word[0].upper() + word[1:]


def comment_of(node):
    text = " ".join(node.get("description", "").split())
    return text if not text or text.endswith((".", "?", ")")) else text + "."


def micros(text):
    """A duration as Go writes it, in microseconds."""
    total = 0
    for number, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", text):
        total += int(float(number) * {name: size for name, size, _ in UNITS}[unit])
    return total


def duration_literal(text):
    total = micros(text)
    for _, size, name in UNITS:
        if total % size == 0:
            return f"std::chrono::{name}{{{total // size}}}"
    raise SchemaError(f"default {text}: finer than a millisecond")


def base_type(node):
    """C++ type of a value, and the names of our types in it."""
    if node["type"] == "array":
        inner, uses = base_type(node["items"])
        return f"std::vector<{inner}>", uses
    if "additionalProperties" in node:
        return "StringMap", set()
    if node["type"] == "object" or "enum" in node:
        if "x-type" not in node:
            raise SchemaError(f"needs x-name: {node.get('description')}")
        return node["x-type"], {node["x-type"]}
    if node["type"] == "string" and node.get("x-type") == "Duration":
        return "Duration", set()
    if node.get("format") == "date-time":
        return "WallTime", set()
    return {"string": "std::string", "boolean": "bool", "integer": "std::int64_t"}[node["type"]], set()


def may_be_absent(node, cpp_type):
    """Whether absent and zero differ. Text, lists and maps are absent when empty; a flag is absent when false."""
    return cpp_type not in ("std::string", "bool", "StringMap") and not cpp_type.startswith("std::vector") \
        and "default" not in node


def initial(node, cpp_type):
    if "default" not in node or node["type"] == "object":
        return "false" if cpp_type == "bool" else "0" if cpp_type == "std::int64_t" else "{}"
    value = node["default"]
    if cpp_type == "bool":
        return str(value).lower()
    if cpp_type == "std::string":
        return f'"{value}"'
    if cpp_type == "Duration":
        return duration_literal(value)
    if "enum" in node:
        return f"{cpp_type}::{enumerator(value)}"
    return str(value)


def rules(node, required):
    out = ["kRequired"] if required else []
    always = "default" in node or (node["type"] == "boolean" and not node.get("nullable"))
    if always and not required:
        out.append("kAlwaysWritten")
    if node.get("x-micro-time"):
        out.append("kMicroTime")
    return out


def make_member(json_name, node, required, plain=False):
    cpp_type, uses = base_type(node)
    init = initial(node, cpp_type)
    if not required and not plain and may_be_absent(node, cpp_type):
        cpp_type, init = f"std::optional<{cpp_type}>", "{}"
    return Member(json_name, member_name(json_name), cpp_type, init, rules(node, required), comment_of(node), uses)


def make_struct(library, name, raw):
    node = library.resolve(raw)
    members = [make_member(json_name, child, json_name in node.get("required", []))
               for json_name, child in node["properties"].items()]
    return Declaration(name, "struct", comment_of(node), members)


def make_declaration(library, name, raw):
    node = library.resolve(raw)
    if "x-constants" in node:
        return Declaration(name, "constants", comment_of(node), list(node["x-constants"].items()))
    if "enum" in node:
        words = [(word, node.get("x-meanings", {}).get(word, "")) for word in node["enum"]]
        return Declaration(name, "enum", comment_of(node), words)
    if "properties" in node:
        return make_struct(library, name, raw)
    return None


def make_kind(kind):
    members = []
    for json_name, child in kind.schema["properties"].items():
        required = json_name in kind.schema.get("required", [])
        members.append(make_member(json_name, child, required, plain=json_name in ("spec", "status")))
    return Declaration(kind.name, "kind", comment_of(kind.schema), members, kind)


def inline_types(raw):
    """(name, raw schema) of every object and enum declared inside, innermost first."""
    found = []
    for child in list(raw.get("properties", {}).values()) + [raw[key] for key in ("items",) if key in raw]:
        if "$ref" not in child:
            found += inline_types(child)
            if "x-name" in child:
                found.append((child["x-name"], child))
    return found


def in_order(declarations):
    """Each declaration after those that it uses."""
    by_name = {declaration.name: declaration for declaration in declarations}
    done, out = set(), []

    def visit(declaration):
        if declaration.name in done:
            return
        done.add(declaration.name)
        for name in sorted(declaration.uses):
            if name in by_name:
                visit(by_name[name])
        out.append(declaration)

    for declaration in declarations:
        visit(declaration)
    return out


def build(library):
    """All headers, each with its declarations in order; and where each type is declared."""
    headers, homes = {}, {}

    def add(header, declaration):
        if declaration is None:
            return
        if declaration.name in homes:
            raise SchemaError(f"C++ type {declaration.name} exists twice")
        homes[declaration.name] = header
        headers.setdefault(header, Header(header)).declarations.append(declaration)

    for name, raw in library.types.items():
        for inner, inner_raw in inline_types(raw):
            add(library.headers[name], make_declaration(library, inner, inner_raw))
        add(library.headers[name], make_declaration(library, name, raw))
    for kind in library.kinds:
        for inner, inner_raw in inline_types(kind.raw):
            add(kind.header, make_declaration(library, inner, inner_raw))
        add(kind.header, make_kind(kind))
    for header in headers.values():
        header.declarations = in_order(header.declarations)
    return headers, homes


def wrap_comment(text, indent, marker="/// "):
    width = 100 - len(indent) - len(marker)
    return [indent + marker + line for line in textwrap.wrap(text, width, break_long_words=False,
                                                             break_on_hyphens=False)]
