"""How to use a LoRA elsewhere: what to type, with its own words and its own address in it.

Facts: huggingface.co/docs/diffusers (LoRA loaders of FLUX), ComfyUI's example of FLUX with one
checkpoint, lllyasviel/stable-diffusion-webui-forge, fal.ai/models/fal-ai/flux-lora/api, and
replicate/cog-flux (`weights.py`: an address must end in `.safetensors`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from generations.prompts import full_prompt
from trainings.models import Training
from trainings.own import filename

STRENGTH = 1.0
"""What most people begin with; 0.6 to 1.2 is usual."""
INFERENCE_STEPS = 28
GUIDANCE = 3.5
SCENES = {
    "style": "a lighthouse on a cliff, early morning",
    "character": "at a window, evening light",
    "product": "on a wooden table, soft window light",
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to type into one tool."""

    tool: str
    note: str
    code: str


def file_url(lora: Training) -> str:
    """The address that stays, ending in the file's name: every tool takes it."""
    stem = filename(lora, "")
    return settings.SITE_URL + reverse("trainings:weights_file", args=[lora.pk, stem])


def snippets(lora: Training) -> list[Snippet]:
    """One for each tool that people use."""
    file, url = filename(lora, ".safetensors"), file_url(lora)
    prompt = full_prompt(SCENES[lora.kind], (lora.trigger_word, lora.kind))
    return [
        Snippet(
            _("The file"), _("Under its own name, which no other LoRA has."), f"curl -LO {url}"
        ),
        Snippet(
            "diffusers",
            _(
                "Python, with torch, diffusers, transformers and peft. On a small GPU, put "
                "pipe.enable_model_cpu_offload() in the place of .to(…)."
            ),
            _diffusers(lora, file, url, prompt),
        ),
        Snippet(
            "ComfyUI",
            _(
                "Save the file in models/loras. In a workflow of your own, put the node "
                "LoraLoaderModelOnly behind the model; this is a whole one in the API format."
            ),
            _comfy(lora, file, prompt),
        ),
        Snippet(
            "A1111 / Forge",
            _("FLUX runs in Forge. Save the file in models/Lora, then write into the prompt:"),
            f"{prompt} <lora:{filename(lora, '')}:{STRENGTH:g}>",
        ),
        Snippet("fal", _("Python, with fal-client and your FAL_KEY."), _fal(url, prompt)),
        Snippet(
            "Replicate",
            _("Python, with replicate and your REPLICATE_API_TOKEN."),
            _replicate(url, prompt),
        ),
    ]


def _diffusers(lora: Training, file: str, url: str, prompt: str) -> str:
    word = _quoted(lora.trigger_word)
    return f"""import torch
from diffusers import AutoPipelineForText2Image

torch.hub.download_url_to_file({_quoted(url)}, {_quoted(file)})
pipe = AutoPipelineForText2Image.from_pretrained(
    "black-forest-labs/FLUX.1-dev", torch_dtype=torch.bfloat16
).to("cuda")
pipe.load_lora_weights(".", weight_name={_quoted(file)}, adapter_name={word})
pipe.set_adapters([{word}], adapter_weights=[{STRENGTH}])
image = pipe(
    {_quoted(prompt)},
    num_inference_steps={INFERENCE_STEPS},
    guidance_scale={GUIDANCE},
).images[0]
image.save({_quoted(lora.trigger_word + ".png")})
"""


def _fal(url: str, prompt: str) -> str:
    return f"""import fal_client

result = fal_client.subscribe(
    "fal-ai/flux-lora",
    arguments={{
        "prompt": {_quoted(prompt)},
        "loras": [{{"path": {_quoted(url)}, "scale": {STRENGTH}}}],
        "num_inference_steps": {INFERENCE_STEPS},
        "guidance_scale": {GUIDANCE},
    }},
)
print(result["images"][0]["url"])
"""


def _replicate(url: str, prompt: str) -> str:
    return f"""import replicate

[image] = replicate.run(
    "black-forest-labs/flux-dev-lora",
    input={{
        "prompt": {_quoted(prompt)},
        "lora_weights": {_quoted(url)},
        "lora_scale": {STRENGTH},
        "num_inference_steps": {INFERENCE_STEPS},
        "guidance": {GUIDANCE},
    }},
)
print(image.url)
"""


def _comfy(lora: Training, file: str, prompt: str) -> str:
    """ComfyUI's own example for FLUX with one checkpoint, and our LoRA behind its model."""
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "flux1-dev-fp8.safetensors"}),
        "2": (
            "LoraLoaderModelOnly",
            {"model": ["1", 0], "lora_name": file, "strength_model": STRENGTH},
        ),
        "3": ("CLIPTextEncode", {"clip": ["1", 1], "text": prompt}),
        "4": ("FluxGuidance", {"conditioning": ["3", 0], "guidance": GUIDANCE}),
        "5": ("ConditioningZeroOut", {"conditioning": ["3", 0]}),
        "6": ("EmptySD3LatentImage", {"width": 1024, "height": 1024, "batch_size": 1}),
        "7": (
            "KSampler",
            {
                "model": ["2", 0],
                "positive": ["4", 0],
                "negative": ["5", 0],
                "latent_image": ["6", 0],
                "seed": 1,
                "steps": INFERENCE_STEPS,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "simple",
                "denoise": 1.0,
            },
        ),
        "8": ("VAEDecode", {"samples": ["7", 0], "vae": ["1", 2]}),
        "9": ("SaveImage", {"images": ["8", 0], "filename_prefix": lora.trigger_word}),
    }
    lines = [
        f"  {_quoted(number)}: {json.dumps({'class_type': name, 'inputs': inputs})}"
        for number, (name, inputs) in nodes.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _quoted(text: str) -> str:
    """A string that Python and JSON read alike."""
    return json.dumps(text, ensure_ascii=False)
