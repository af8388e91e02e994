"""The JSON API: what programs read of the wall, and do for a wallet. Its errors are problems."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.parser import Parser

from gallery import api_civitai, api_generations, api_loras
from gallery.api_problems import MEDIA_TYPE, add_handlers

DESCRIPTION = """\
Reading needs no key. Whatever is done for a wallet needs one of its API keys, in the header
Authorization, behind the word Bearer. Moments are ISO 8601 in UTC, money is in US cents,
addresses are absolute and stay. Lists end where next is null. Every error is a problem in words
(RFC 9457). What begins with /api/v1/ has the shape of Civitai's API instead, for tools that are
made for it: ids are numbers that stand for ours, and no key is read."""


class StrictParser(Parser):
    """JSON as RFC 8259 has it: without NaN."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body; ninja answers whatever this raises with 400."""
        return json.loads(request.body, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


class Api(NinjaAPI):
    """Ninja's, whose views decide themselves who may come in, and whose errors are problems."""

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """Return the OpenAPI document, with the type that problems have."""
        schema = super().get_openapi_schema(**kwargs)
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
        return schema


api = Api(
    title="LoRA Trainer",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,  # Served by `gallery.api_docs`, made once.
    docs_url=None,
    parser=StrictParser(),
)
add_handlers(api)
api.add_router("/loras", api_loras.router)
api.add_router("", api_generations.router)
api.add_router("/v1", api_civitai.router)
