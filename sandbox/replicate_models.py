"""Replicate's models: three that are always there, and the destinations that customers create."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from sandbox.config import CONFIG
from sandbox.replicate_inputs import DevLora, FastTraining, FluxDevTraining, object_of, problem

TRAINERS: dict[str, type[BaseModel]] = {
    "ostris/flux-dev-lora-trainer": FluxDevTraining,
    "replicate/fast-flux-trainer": FastTraining,
}
OFFICIAL = "black-forest-labs/flux-dev-lora"
SCHEMAS = TRAINERS | {OFFICIAL: DevLora}
HARDWARE = [
    {"sku": "cpu", "name": "CPU"},
    {"sku": "gpu-t4", "name": "Nvidia T4 GPU"},
    {"sku": "gpu-l40s", "name": "Nvidia L40S GPU"},
    {"sku": "gpu-h100", "name": "Nvidia H100 GPU"},
]
RELEASED = "2026-01-01T00:00:00.000Z"
VISIBLE = ("public", "private")


class Models:
    """The registry: what was created is one JSON file."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        self.own: dict[str, dict[str, Any]] = (
            json.loads(path.read_text("utf-8")) if path.exists() else {}
        )

    def find(self, name: str) -> dict[str, Any]:
        """Return a model as the API shows it. Raises 404."""
        if name in self.own:
            kept = self.own[name]
            latest = self.versions(name)
            return self._shown(name, **kept["shown"], latest_version=latest[0] if latest else None)
        if name in SCHEMAS:
            description = "Simulated by a local sandbox."
            return self._shown(name, description=description, latest_version=_official(name))
        raise problem(404, "The requested resource could not be found.", "Not found")

    def names(self) -> list[str]:
        """Return the names of all models, the customers' own first."""
        return [*self.own, *SCHEMAS]

    def versions(self, name: str) -> list[dict[str, Any]]:
        """Return a model's versions, newest first. Raises 404."""
        if name not in self.own:
            latest: dict[str, Any] = self.find(name)["latest_version"]
            return [latest]
        return [
            _version(version["id"], version["created_at"], DevLora)
            for version in reversed(self.own[name]["versions"])
        ]

    def create(self, owner: str, name: str, shown: dict[str, Any]) -> dict[str, Any]:
        """Add an empty model. Raises 409 when there is one of that name."""
        if f"{owner}/{name}" in self.names():
            detail = "A model with that name and owner already exists."
            raise problem(409, detail, "Conflict", errors=[{"detail": detail, "pointer": "/name"}])
        self.own[f"{owner}/{name}"] = {"shown": shown, "versions": []}
        self._save()
        return self.find(f"{owner}/{name}")

    def delete(self, name: str) -> None:
        """Remove a private model without versions. Raises 404, or 403 for any other model."""
        model = self.find(name)
        if name not in self.own or model["visibility"] != "private" or model["latest_version"]:
            raise problem(403, "Only private models without versions can be deleted.", "Forbidden")
        del self.own[name]
        self._save()

    def add_version(self, name: str, version: str, created_at: str, weights: Path) -> None:
        """Add the outcome of a training to its destination, once, if that still exists."""
        if name in self.own and self.weights(version) is None:
            kept = {"id": version, "created_at": created_at, "weights": str(weights)}
            self.own[name]["versions"].append(kept)
            self._save()

    def weights(self, version: str) -> tuple[str, Path] | None:
        """Return the model's name and the weights of a trained version."""
        for name, model in self.own.items():
            for kept in model["versions"]:
                if version == kept["id"]:
                    return name, Path(kept["weights"])
        return None

    def _shown(self, name: str, **more: Any) -> dict[str, Any]:
        owner, _, short = name.partition("/")
        shown = {
            "url": f"{self.url}/{name}",
            "owner": owner,
            "name": short,
            "description": None,
            "visibility": "public",
            "github_url": None,
            "paper_url": None,
            "license_url": None,
            "run_count": 0,
            "cover_image_url": None,
            "default_example": None,
            "latest_version": None,
        }
        return shown | more

    def _save(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.own), "utf-8")
        temporary.replace(self.path)


MODELS = web.AppKey("models", Models)


def version_of(name: str) -> str:
    """Return the id of the one version that a trainer has here: 64 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()


def _official(name: str) -> dict[str, Any]:
    return _version(version_of(name), RELEASED, SCHEMAS[name], trains=name in TRAINERS)


def _version(
    version: str, created_at: str, schema: type[BaseModel], *, trains: bool = False
) -> dict[str, Any]:
    output = {"type": "array", "items": {"type": "string", "format": "uri"}}
    schemas = {
        "TrainingInput" if trains else "Input": schema.model_json_schema(),
        "TrainingOutput" if trains else "Output": {"type": "object"} if trains else output,
    }
    return {
        "id": version,
        "created_at": created_at,
        "cog_version": "0.14.1",
        "openapi_schema": {"openapi": "3.0.2", "components": {"schemas": schemas}},
    }


async def list_models(request: web.Request) -> web.Response:
    """`GET /v1/models`."""
    models = request.app[MODELS]
    results = [models.find(name) for name in models.names()]
    return web.json_response({"previous": None, "next": None, "results": results})


async def create_model(request: web.Request) -> web.Response:
    """`POST /v1/models`: 201, or 409 for a name that is taken."""
    given = object_of(await request.read())
    if missing := [
        name for name in ("owner", "name", "visibility", "hardware") if not given.get(name)
    ]:
        raise problem(422, f"- {missing[0]} is required\n", "Input validation failed")
    if given["visibility"] not in VISIBLE:
        raise problem(422, "- visibility must be public or private\n", "Input validation failed")
    if given["hardware"] not in {one["sku"] for one in HARDWARE}:
        raise problem(422, "- hardware is not a known SKU\n", "Input validation failed")
    shown = {name: given[name] for name in ("visibility", "description") if given.get(name)}
    model = request.app[MODELS].create(str(given["owner"]), str(given["name"]), shown)
    return web.json_response(model, status=201)


async def get_model(request: web.Request) -> web.Response:
    """`GET /v1/models/{owner}/{name}`."""
    return web.json_response(request.app[MODELS].find(named(request)))


async def delete_model(request: web.Request) -> web.Response:
    """`DELETE /v1/models/{owner}/{name}`."""
    request.app[MODELS].delete(named(request))
    return web.Response(status=204)


async def list_versions(request: web.Request) -> web.Response:
    """`GET /v1/models/{owner}/{name}/versions`."""
    results = request.app[MODELS].versions(named(request))
    return web.json_response({"previous": None, "next": None, "results": results})


async def get_version(request: web.Request) -> web.Response:
    """`GET /v1/models/{owner}/{name}/versions/{version}`."""
    for version in request.app[MODELS].versions(named(request)):
        if version["id"] == request.match_info["version"]:
            return web.json_response(version)
    raise problem(404, "The requested resource could not be found.", "Not found")


async def hardware(request: web.Request) -> web.Response:
    """`GET /v1/hardware`."""
    return web.json_response(HARDWARE)


async def account(request: web.Request) -> web.Response:
    """`GET /v1/account`."""
    return web.json_response(
        {"type": "user", "username": "sandbox", "name": "Sandbox", "github_url": None}
    )


def named(request: web.Request) -> str:
    """Return the model that the URL names."""
    return f"{request.match_info['owner']}/{request.match_info['name']}"


def add_routes(app: web.Application) -> None:
    """Add the registry and its addresses."""
    config = app[CONFIG]
    app[MODELS] = Models(config.var / "models.json", f"{config.url}/replicate")
    base, one = "/replicate/v1/models", "/replicate/v1/models/{owner}/{name}"
    app.router.add_get(base, list_models)
    app.router.add_post(base, create_model)
    app.router.add_get(one, get_model)
    app.router.add_delete(one, delete_model)
    app.router.add_get(f"{one}/versions", list_versions)
    app.router.add_get(f"{one}/versions/{{version}}", get_version)
    app.router.add_get("/replicate/v1/hardware", hardware)
    app.router.add_get("/replicate/v1/account", account)
