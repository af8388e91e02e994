"""How to use a LoRA elsewhere: every snippet can be typed as it stands."""

from __future__ import annotations

import ast
import json
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from gallery.snippets import Snippet, file_url, snippets
from tests.factories import create_training
from trainings.models import Training

pytestmark = pytest.mark.django_db


@pytest.fixture
def lora() -> Training:
    return create_training(status="completed", trigger_word="KILN_GLZ7", kind="style")


def by_tool(lora: Training) -> dict[str, Snippet]:
    return {snippet.tool: snippet for snippet in snippets(lora)}


def stem_of(lora: Training) -> str:
    return f"KILN_GLZ7-flux-lora-{lora.pk.hex[:8]}"


def arguments(code: str, name: str) -> dict[str, Any]:
    """What a call in Python is given, by the end of its name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
            named = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
            return named | {"": [ast.literal_eval(value) for value in node.args]}
    raise AssertionError(f"{name} is not called")


def test_there_is_one_for_each_tool(lora):
    tools = ["The file", "diffusers", "ComfyUI", "A1111 / Forge", "fal", "Replicate"]
    assert [snippet.tool for snippet in snippets(lora)] == tools


def test_the_address_in_them_leads_to_the_file(client, lora, settings):
    for snippet in snippets(lora):
        for url in re.findall(r"https?://[^\s\"']+", snippet.code):
            assert url == file_url(lora)
    path = file_url(lora).removeprefix(settings.SITE_URL)
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"/{stem_of(lora)}.safetensors")


def test_curl_follows_and_keeps_the_name(lora):
    assert shlex.split(by_tool(lora)["The file"].code) == ["curl", "-LO", file_url(lora)]
    assert file_url(lora).endswith(f"/{stem_of(lora)}.safetensors")


def test_diffusers_loads_the_file_that_was_fetched(lora):
    code = by_tool(lora)["diffusers"].code
    file = f"{stem_of(lora)}.safetensors"
    assert arguments(code, "download_url_to_file")[""] == [file_url(lora), file]
    loaded = arguments(code, "load_lora_weights")
    assert loaded == {"": ["."], "weight_name": file, "adapter_name": "KILN_GLZ7"}
    assert arguments(code, "set_adapters") == {"": [["KILN_GLZ7"]], "adapter_weights": [1.0]}
    [prompt] = arguments(code, "pipe")[""]
    assert prompt.endswith("in the style of KILN_GLZ7")


def test_fal_gets_the_address_and_the_scale(lora):
    call = arguments(by_tool(lora)["fal"].code, "subscribe")
    assert call[""] == ["fal-ai/flux-lora"]
    assert call["arguments"]["loras"] == [{"path": file_url(lora), "scale": 1.0}]
    assert "KILN_GLZ7" in call["arguments"]["prompt"]


def test_replicate_gets_an_address_that_ends_as_it_wants(lora):
    call = arguments(by_tool(lora)["Replicate"].code, "run")
    assert call[""] == ["black-forest-labs/flux-dev-lora"]
    assert call["input"]["lora_weights"].endswith(".safetensors")
    assert call["input"]["lora_scale"] == 1.0
    assert "guidance" in call["input"]


def test_the_workflow_of_comfyui_holds_together(lora):
    nodes = json.loads(by_tool(lora)["ComfyUI"].code)
    for node in nodes.values():
        for value in node["inputs"].values():
            if isinstance(value, list):
                assert value[0] in nodes
    [loader] = [node for node in nodes.values() if node["class_type"] == "LoraLoaderModelOnly"]
    assert loader["inputs"]["lora_name"] == f"{stem_of(lora)}.safetensors"
    [sampler] = [node for node in nodes.values() if node["class_type"] == "KSampler"]
    assert nodes[sampler["inputs"]["model"][0]] == loader
    texts = [node["inputs"]["text"] for node in nodes.values() if "text" in node["inputs"]]
    assert all("KILN_GLZ7" in text for text in texts)


def test_forge_names_the_file_without_its_ending(lora):
    assert by_tool(lora)["A1111 / Forge"].code.endswith(f" <lora:{stem_of(lora)}:1>")


@pytest.mark.parametrize("kind", ["style", "character", "product"])
def test_the_word_is_in_every_prompt_once(kind):
    for snippet in snippets(create_training(status="completed", kind=kind)):
        code = snippet.code.replace("KILNGLZ-flux", "").replace("KILNGLZ.png", "")
        assert code.count("KILNGLZ") <= 3
        assert snippet.tool == "The file" or "KILNGLZ" in code


def test_the_page_has_them_with_a_button_each(lora):
    page = Client().get(f"/loras/{lora.pk}").content.decode()
    for snippet in snippets(lora):
        assert f"<summary>{snippet.tool}</summary>" in page
    assert page.count("data-copy=") == len(snippets(lora)) + 1
