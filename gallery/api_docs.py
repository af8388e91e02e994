"""The API's documentation as a page of ours, drawn from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from gallery.api_problems import WORDS


@login_not_required
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation: what it does, takes and answers; and every problem."""
    described = openapi()
    context = {
        "about": described["info"]["description"],
        "operations": [*operations(described)],
        "objects": [*objects(described)],
        "problems": WORDS.items(),
        "site": settings.SITE_URL,
    }
    return render(request, "gallery/api.html", context)


@login_not_required
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def document(request: HttpRequest) -> JsonResponse:
    """The OpenAPI document."""
    return JsonResponse(openapi())


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI document; it changes with the code only."""
    from gallery.api import api  # noqa: PLC0415 - its addresses must be known first

    described: dict[str, Any] = api.get_openapi_schema()
    return described


def operations(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the page says about each operation."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            security = operation.get("security", [])
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "paragraphs": operation.get("description", "").split("\n\n"),
                "needs_key": bool(security) and {} not in security,
                "fields": [*parameters(operation), *body(described, operation)],
                "answers": [
                    (status, answer["description"], type_of(content_of(answer)))
                    for status, answer in operation["responses"].items()
                ],
            }


def parameters(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parameters and headers of an operation."""
    for parameter in operation["parameters"]:
        facts = {"name": parameter["name"], "place": parameter["in"]}
        yield facts | field(parameter["schema"], is_required=parameter["required"])


def body(described: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of what an operation is sent."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = resolved(described, content["schema"])
        for name, facts in schema["properties"].items():
            is_required = name in schema.get("required", [])
            yield {"name": name, "place": media_type} | field(facts, is_required=is_required)


def objects(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects of the answers, with their fields."""
    for name, schema in described["components"]["schemas"].items():
        if "properties" in schema:
            fields = [
                {"name": key} | field(facts, is_required=True)
                for key, facts in schema["properties"].items()
            ]
            paragraphs = schema.get("description", "").split("\n\n")
            yield {"name": name, "paragraphs": paragraphs, "fields": fields}


def field(schema: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    """Return what the page says about one field."""
    default = schema.get("default")
    return {
        "type": type_of(schema),
        "is_required": is_required,
        "description": schema.get("description", ""),
        "limits": limits_of(schema),
        "default": "" if default in (None, "", []) else default,
    }


def limits_of(schema: Mapping[str, Any]) -> str:
    """Return within which limits a value must be, as a sentence."""
    if "maxLength" in schema:
        return f"At most {schema['maxLength']} characters."
    if "maximum" not in schema:
        return ""
    steps = f", in steps of {schema['multipleOf']}" if "multipleOf" in schema else ""
    numbers = [Decimal(str(schema[key])) for key in ("minimum", "maximum")]
    least, most = (f"{number:,f}".removesuffix(".0") for number in numbers)
    return f"{least} to {most}{steps}."


def type_of(schema: Mapping[str, Any] | None) -> str:
    """Return the type as people write it: `string`, `list of Image`, `integer or null`."""
    if not schema:
        return ""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value != "")
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    return str(schema.get("format") or schema.get("type", ""))


def content_of(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of an answer, if it has a body."""
    content = answer.get("content") or {}
    return next((each["schema"] for each in content.values()), None)


def resolved(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference."""
    if "$ref" in schema:
        found: Mapping[str, Any] = described["components"]["schemas"][type_of(schema)]
        return found
    return schema
