"""Writes what authentik's API takes and answers, kind by kind: the stand-in's `authentik-kinds.json`.

Runs inside an installed authentik, with its OpenAPI document:
    SCHEMA=schema.json OUT=authentik-kinds.json python -m manage shell < describe.py
Field limits, defaults, uniqueness and filters come from its serializers, the fields of answers from the document.
"""
import json
import os

from django.db.models import NOT_PROVIDED
from django.core.validators import RegexValidator
from rest_framework import fields as f, relations as r, serializers as s, validators as v
from django_filters.rest_framework import DjangoFilterBackend
import authentik.root.urls  # noqa: F401 (first: the others import it in a circle)
from authentik.api.v3.urls import router

DOCUMENT = json.load(open(os.environ["SCHEMA"]))
SCHEMAS = DOCUMENT["components"]["schemas"]
SHAPES = {}


def shape(schema):
    """The type of an answer's field in one word; a capital letter names another shape."""
    null = "?" if schema.get("nullable") else ""
    for one in ("allOf", "oneOf", "anyOf"):
        if one in schema:
            return shape(schema[one][0]).rstrip("?") + null
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        target = SCHEMAS[name]
        if "enum" in target or target.get("type") != "object":
            return "str" + null
        shape_of(name)
        return name + null
    kind = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "json"}.get(schema.get("type"), "json")
    if schema.get("type") == "array":
        return "[" + shape(schema["items"]) + "]" + null
    if schema.get("format") in ("uuid", "date-time"):
        kind = {"uuid": "uuid", "date-time": "time"}[schema["format"]]
    return kind + null


def shape_of(name):
    if name not in SHAPES:
        SHAPES[name] = {}
        SHAPES[name] = {key: shape(value) for key, value in SCHEMAS[name].get("properties", {}).items()}


def plain(value):
    try:
        json.dumps(value)
        return value
    except TypeError:
        return str(value)


def default_of(field, model):
    if field.default is not f.empty:
        value = field.default
        return {"default": plain(value() if callable(value) else value), "fixed": True}
    if model is None or not field.source or field.source == "*":
        return {}
    try:
        column = model._meta.get_field(field.source)
    except Exception:
        return {}
    if column.many_to_many or column.one_to_many:
        return {"default": []}
    if getattr(column, "primary_key", False) or getattr(column, "default", NOT_PROVIDED) is NOT_PROVIDED:
        if getattr(column, "null", False):
            return {"default": None}
        if getattr(column, "empty_strings_allowed", False) and column.get_internal_type() in ("CharField", "TextField"):
            return {"default": ""}
        return {}
    value = column.get_default()
    if callable(column.default) and plain(column.get_default()) != plain(value):
        return {"made": type(column).__name__}
    return {"default": plain(value)}


KINDS = [(f.ModelField, "json"), (f.BooleanField, "bool"), (f.IntegerField, "int"), (f.FloatField, "float"), (f.UUIDField, "uuid"),
         (f.MultipleChoiceField, "choices"), (f.ChoiceField, "enum"), (f.EmailField, "email"), (f.SlugField, "slug"), (f.URLField, "url"), (f.RegexField, "regex"),
         (f.CharField, "str"), (f.DateTimeField, "time"), (f.DateField, "date"), (f.JSONField, "json"), (f.DictField, "json"), (f.SerializerMethodField, "method"),
         (r.ManyRelatedField, "refs"), (r.RelatedField, "ref"), (f.ListField, "list"), (s.ListSerializer, "many"),
         (s.Serializer, "nested"), (f.ReadOnlyField, "method")]


def describe(field, model):
    out = {"type": next((word for kind, word in KINDS if isinstance(field, kind)), type(field).__name__)}
    if type(field).__name__ == "JSONDictField":
        out["type"] = "dict"
    for key, mark in (("read_only", "read"), ("write_only", "write"), ("required", "required"), ("allow_null", "null"),
                      ("allow_blank", "blank"), ("max_length", "max"), ("min_length", "min"), ("max_value", "most"),
                      ("min_value", "least")):
        value = getattr(field, key, None)
        if value is not None and value is not False:
            out[mark] = value
    if getattr(field, "allow_empty", True) is False:
        out["filled"] = True
    if getattr(field, "trim_whitespace", None) is False:
        out["raw"] = True
    if isinstance(field, f.ChoiceField):
        choices = [plain(choice) for choice in field.choices]
        out["choices"] = choices if len(choices) < 60 else choices
    if isinstance(field, r.ManyRelatedField):
        field_of = field.child_relation
    else:
        field_of = field
    if isinstance(field_of, r.RelatedField) and field_of.queryset is not None:
        out["to"] = field_of.queryset.model._meta.label_lower
        if isinstance(field_of, r.SlugRelatedField):
            out["by"] = field_of.slug_field
        try:
            gone = model._meta.get_field(field.source).remote_field.on_delete.__name__
            out["gone"] = gone
        except AttributeError:
            pass
    if isinstance(field, f.ListField):
        out["child"] = describe(field.child, None)
    if isinstance(field, s.ListSerializer) and not field.read_only:
        out["fields"] = {name: describe(inner, None) for name, inner in field.child.fields.items()}
    elif isinstance(field, s.Serializer) and not field.read_only:
        out["fields"] = {name: describe(inner, None) for name, inner in field.fields.items()}
    for validator in getattr(field, "validators", []):
        if isinstance(validator, v.UniqueValidator):
            out["unique"] = validator.queryset.model._meta.label_lower
            out["message"] = str(validator.message)
        elif isinstance(validator, RegexValidator) and "a-zA-Z0-9_" in str(validator.regex.pattern):
            out.setdefault("checks", []).append("slug")
        elif not type(validator).__name__.startswith(("Max", "Min", "Prohibit")):
            name = type(validator).__name__
            out.setdefault("checks", []).append(validator.__name__ if name == "function" else name)
    if field.source != field.field_name and field.source:
        out["source"] = field.source
    out.update(default_of(field, model))
    return out


def components(path):
    operations = DOCUMENT["paths"].get(path, {})
    for method, status in (("post", "201"), ("get", "200"), ("patch", "200")):
        schema = operations.get(method, {}).get("responses", {}).get(status, {}).get("content", {}).get("application/json", {}).get("schema", {})
        if method == "get" and "$ref" in schema:
            results = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]["properties"].get("results", {})
            schema = results.get("items", schema)
        if method == "get" and schema.get("type") == "array":
            schema = schema["items"]
        if "$ref" in schema:
            return schema["$ref"].rsplit("/", 1)[1]
    return None


def filters_of(view, queryset):
    try:
        cls = DjangoFilterBackend().get_filterset_class(view, queryset)
    except Exception:
        return {}
    out = {}
    for name, one in (cls.base_filters if cls else {}).items():
        entry = [type(one).__name__.removesuffix("Filter"), one.field_name or name, one.lookup_expr]
        if getattr(one, "method", None):
            entry.append("method")
        out[name] = entry
    return out


kinds = {}
for prefix, viewset, basename in router.registry:
    view = viewset()
    view.request = None
    view.format_kwarg = None
    view.action = "create"
    view.kwargs = {}
    entry = {"basename": basename}
    try:
        model = view.queryset.model
        queryset = view.queryset
    except AttributeError:
        model, queryset = None, None
    if model is not None:
        meta = model._meta
        entry["model"] = meta.label_lower
        entry["bases"] = [base._meta.label_lower for base in meta.get_parent_list()]
        entry["verbose"] = [str(meta.verbose_name), str(meta.verbose_name_plural)]
        entry["object"] = model._meta.object_name
        entry["pk"] = meta.pk.name
        entry["pk_type"] = meta.pk.get_internal_type() if not meta.pk.remote_field else (meta.get_parent_list() or [model])[-1]._meta.pk.get_internal_type()
        try:
            entry["component"] = model().component
        except Exception:
            entry["component"] = ""
        entry["ordering"] = list(meta.ordering)
    entry["lookup"] = getattr(view, "lookup_url_kwarg", None) or getattr(view, "lookup_field", "pk")
    entry["actions"] = [a for a in ("list", "create", "retrieve", "update", "partial_update", "destroy") if hasattr(view, a)]
    entry["http"] = [m for m in view.http_method_names if m in ("get", "post", "put", "patch", "delete")]
    entry["extra"] = sorted(f"{m} {a.url_path}{'' if not a.detail else ' detail'}" for a in viewset.get_extra_actions() for m in a.mapping)
    order = getattr(view, "ordering", None)
    entry["order"] = [order] if isinstance(order, str) else list(order or [])
    entry["search"] = [str(x) for x in getattr(view, "search_fields", []) or []]
    entry["filters"] = filters_of(view, queryset) if model is not None else {}
    name = components(f"/{prefix}/")
    if name:
        entry["shape"] = name
        shape_of(name)
    try:
        serializer = view.get_serializer_class()()
        entry["fields"] = {name: describe(field, model) for name, field in serializer.fields.items()}
        together = [[list(one.fields), str(one.message).format(field_names=", ".join(one.fields))] for one in serializer.validators if isinstance(one, v.UniqueTogetherValidator)]
        if together:
            entry["together"] = together
    except Exception as error:
        entry["failed"] = repr(error)
    kinds[prefix] = entry

shape_of("UserSelf")
with open(os.environ["OUT"], "w") as out:
    out.write('{"shapes": {\n')
    out.write(",\n".join(f"{json.dumps(name)}: {json.dumps(SHAPES[name])}" for name in sorted(SHAPES)))
    out.write('\n}, "kinds": {\n')
    out.write(",\n".join(f"{json.dumps(name)}: {json.dumps(kinds[name], sort_keys=False)}" for name in sorted(kinds)))
    out.write("\n}}\n")
