"""Reads the schema files, takes in shared types, and refuses what breaks a rule of schemas/README.md."""

import copy
import pathlib
import re
from dataclasses import dataclass, field

import yaml

GROUP = "midwatch.dev"
VERSION = "v1alpha1"

OUR_KEYS = {"$ref", "x-name", "x-without", "x-require", "x-immutable-except", "x-constants",
            "x-micro-time", "x-type", "x-meanings"}
OPENAPI_KEYS = ["description", "type", "format", "nullable", "default", "enum", "pattern", "minLength", "maxLength",
                "minimum", "maximum", "minItems", "maxItems", "maxProperties", "required",
                "x-kubernetes-map-type", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
                "properties", "additionalProperties", "items", "x-kubernetes-validations"]
KIND_KEYS = {"kind", "header", "group", "version", "plural", "scope", "shortNames", "categories", "description",
             "columns", "selectable", "required", "properties", "spec", "status", "types", "validations"}
# Identifiers that CEL reserves; Kubernetes escapes fields of these names.
CEL_RESERVED = {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
                "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}


class SchemaError(Exception):
    """A schema file breaks a rule; the message names the place."""


def snake(name):
    """ModuleJob -> module_job, jobID -> job_id."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


@dataclass
class Kind:
    """One kind, its schema resolved."""
    name: str
    header: str
    group: str
    version: str
    plural: str
    namespaced: bool
    short_names: list
    categories: list
    description: str
    columns: list
    selectable: list
    schema: dict          # The root: properties spec, status or what a core kind has.
    raw: dict             # The same before shared types were taken in.
    builtin: bool

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self):
        return self.name.lower()

    @property
    def resource(self):
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self):
        return "status" in self.schema["properties"]


@dataclass
class Library:
    """Everything that the schema files say."""
    kinds: list = field(default_factory=list)
    types: dict = field(default_factory=dict)      # Name -> raw schema.
    headers: dict = field(default_factory=dict)    # Name of a type -> header that declares it.
    columns: dict = field(default_factory=dict)    # Name -> shared list of columns.
    documents: list = field(default_factory=list)  # Names of types that are schemas of their own (results, config).
    names: dict = field(default_factory=dict)

    def resolve(self, node):
        """The schema with shared types taken in and enums listed; `x-type` keeps the innermost type's name."""
        if "$ref" in node:
            node = self._take_in(node)
        node = dict(node)
        if isinstance(node.get("enum"), dict):
            node["x-meanings"] = node["enum"]
            node["enum"] = list(node["enum"])
        if "x-name" in node:
            node["x-type"] = node.pop("x-name")
        if "properties" in node:
            node["properties"] = {name: self.resolve(child) for name, child in node["properties"].items()}
        for key in ("items", "additionalProperties"):
            if key in node:
                node[key] = self.resolve(node[key])
        return freeze(node)

    def _take_in(self, node):
        name = node["$ref"]
        if name not in self.types:
            raise SchemaError(f"$ref: unknown type {name}")
        base = self.resolve(copy.deepcopy(self.types[name]))
        base.setdefault("x-type", name)
        for left_out in node.get("x-without", []):
            del base["properties"][left_out]
        if node.get("x-require"):
            base["required"] = base.get("required", []) + node["x-require"]
        rules = base.get("x-kubernetes-validations", []) + node.get("x-kubernetes-validations", [])
        base.update({key: value for key, value in node.items() if key not in ("$ref", "x-without", "x-require")})
        if rules:
            base["x-kubernetes-validations"] = rules
        return base


def cel_field(name):
    return f"__{name}__" if name in CEL_RESERVED else name


def freeze(node):
    """Turns x-immutable-except into CEL rules: one for each field that must not change, come or go."""
    if "x-immutable-except" not in node:
        return node
    mutable = node.pop("x-immutable-except")
    rules = []
    for name in node["properties"]:
        if name in mutable:
            continue
        path = cel_field(name)
        rule = f"self.{path} == oldSelf.{path}"
        if name not in node.get("required", []):
            rule = f"has(self.{path}) == has(oldSelf.{path}) && (!has(self.{path}) || {rule})"
        rules.append({"rule": rule, "message": f"{name} is immutable"})
    node["x-kubernetes-validations"] = rules + node.get("x-kubernetes-validations", [])
    return node


def root_schema(raw):
    """The schema of the whole object without apiVersion, kind and metadata."""
    root = {"type": "object", "description": raw["description"]}
    properties = dict(raw.get("properties", {}))
    required = list(raw.get("required", []))
    for part in ("spec", "status"):
        if part in raw:
            properties[part] = raw[part]
    root["properties"] = properties
    if required:
        root["required"] = required
    if "validations" in raw:
        root["x-kubernetes-validations"] = raw["validations"]
    return root


def complete(schema):
    """Adds what follows from the schema: a required or defaulted spec, a status that nothing has looked at yet."""
    properties = schema["properties"]
    if "spec" in properties and "default" not in properties["spec"]:
        if properties["spec"].get("required"):
            schema.setdefault("required", []).append("spec")
        else:
            properties["spec"]["default"] = {}
    status = properties.get("status", {})
    if "observedGeneration" in status.get("properties", {}):
        status.setdefault("default", {"observedGeneration": -1})


def make_kind(library, raw, path, builtin):
    unknown = set(raw) - KIND_KEYS
    if unknown:
        raise SchemaError(f"{path}: unknown key {sorted(unknown)[0]}")
    for part in ("spec", "status"):
        if part in raw and "$ref" not in raw[part]:
            raw[part]["x-name"] = raw["kind"] + part.capitalize()
    raw_root = root_schema(raw)
    schema = library.resolve(raw_root)
    complete(schema)
    columns = []
    for column in raw["columns"]:
        columns += library.columns[column["$ref"]] if "$ref" in column else [column]
    return Kind(name=raw["kind"], header=raw.get("header", snake(raw["kind"])), group=raw.get("group", GROUP),
                version=raw.get("version", VERSION), plural=raw["plural"], namespaced=raw["scope"] == "Namespaced",
                short_names=raw.get("shortNames", []), categories=raw.get("categories", []),
                description=raw["description"], columns=columns, selectable=raw.get("selectable", []),
                schema=schema, raw=raw_root, builtin=builtin)


def check_keys(node, path):
    for key, value in node.items():
        if key not in OUR_KEYS and key not in OPENAPI_KEYS:
            raise SchemaError(f"{path}: unknown key {key!r} (a comma in an unquoted description?)")
        if value is None:
            raise SchemaError(f"{path}.{key}: empty")


def check_bounds(node, path):
    kind = node.get("type")
    if kind == "string" and not ("maxLength" in node or "enum" in node or node.get("format") == "date-time"):
        raise SchemaError(f"{path}: a string needs maxLength")
    if kind == "array" and "maxItems" not in node:
        raise SchemaError(f"{path}: an array needs maxItems")
    if "additionalProperties" in node and "maxProperties" not in node:
        raise SchemaError(f"{path}: a map needs maxProperties")


def check(node, path):
    """Refuses a resolved schema that breaks one of the rules of schemas/README.md."""
    check_keys(node, path)
    check_bounds(node, path)
    for name in node.get("required", []):
        if name not in node["properties"]:
            raise SchemaError(f"{path}: required field {name} does not exist")
    for name, child in node.get("properties", {}).items():
        if not child.get("description"):
            raise SchemaError(f"{path}.{name}: needs a description")
        check(child, f"{path}.{name}")
    if "items" in node:
        check(node["items"], path + "[]")
    if "additionalProperties" in node:
        check(node["additionalProperties"], path + "[*]")


def check_lists(node, path, in_array=False):
    """Every list of a kind says how server-side apply merges it, and nothing below it has a default."""
    if in_array and "default" in node:
        raise SchemaError(f"{path}: no default below array items")
    if node.get("type") == "array":
        check_list_type(node, path)
        check_lists(node["items"], path + "[]", True)
    for name, child in node.get("properties", {}).items():
        check_lists(child, f"{path}.{name}", in_array)


def check_list_type(node, path):
    if node.get("x-kubernetes-list-type") not in ("atomic", "set", "map"):
        raise SchemaError(f"{path}: needs x-kubernetes-list-type")
    for key in node.get("x-kubernetes-list-map-keys", []):
        if key not in node["items"].get("required", []):
            raise SchemaError(f"{path}: list map key {key} must be required")


def add_types(library, types, header, path):
    for name, node in types.items():
        if isinstance(node, list):
            library.columns[name] = node
            continue
        if name in library.types:
            raise SchemaError(f"{path}: type {name} exists twice")
        library.types[name] = node
        library.headers[name] = header


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def load(root: pathlib.Path) -> Library:
    """Reads every schema file under `root` (the folder schemas/). Raises SchemaError."""
    library = Library()
    library.names = read_yaml(root / "names.yaml") if (root / "names.yaml").exists() else {}
    for folder in ("types", "results", "config"):
        for path in sorted((root / folder).glob("*.yaml")):
            types = read_yaml(path)
            add_types(library, types, path.stem, path.name)
            if folder != "types":
                library.documents += [name for name, node in types.items() if node.get("type") == "object"]
    files = [(path, folder == "builtin") for folder in ("kinds", "builtin")
             for path in sorted((root / folder).glob("*.yaml"))]
    raws = [(read_yaml(path), path, builtin) for path, builtin in files]
    for raw, path, _ in raws:
        add_types(library, raw.get("types", {}), raw.get("header", snake(raw["kind"])), path.name)
    for raw, path, builtin in raws:
        kind = make_kind(library, raw, path.name, builtin)
        check(kind.schema, kind.name)
        check_lists(kind.schema, kind.name)
        library.kinds.append(kind)
    for name in library.documents:
        check(library.resolve(library.types[name]), name)
    return library
