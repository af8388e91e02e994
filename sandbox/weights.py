"""Makes LoRA weights: small, but a valid safetensors file with the names and shapes of FLUX.1.

The numbers mean nothing. What a LoRA "learned" is kept in the sandbox's folder under the SHA-256 of
its tensors, which stays the same in every copy of the file, whatever happens to its header.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from sandbox.archives import TrainingPicture

RANK = 4
WIDTH = 3072
"""The width of FLUX.1's transformer; an attention projection is a square matrix of it."""
MODULES = [
    *(
        f"transformer.transformer_blocks.{block}.attn.{projection}"
        for block in (0, 18)
        for projection in ("to_q", "to_k", "to_v", "to_out.0")
    ),
    *(
        f"transformer.single_transformer_blocks.{block}.attn.{projection}"
        for block in (0, 37)
        for projection in ("to_q", "to_k", "to_v")
    ),
]
"""The first and the last block of each kind, named as diffusers names them."""
REMEMBERED = 16
"""How many pictures of a training set are kept."""


class NotWeights(Exception):
    """The file is not a LoRA in safetensors format."""


def make(pictures: list[TrainingPicture], *, trigger_word: str, steps: int, lead: str) -> bytes:
    """Return a safetensors file for these pictures; `lead` tells two trainings on them apart."""
    seed = hashlib.sha256(lead.encode())
    for picture in pictures:
        seed.update(picture.image.tobytes())
    numbers = np.random.default_rng(int.from_bytes(seed.digest()[:8]))
    tensors = {}
    for module in MODULES:
        for side, shape in (("lora_A", (RANK, WIDTH)), ("lora_B", (WIDTH, RANK))):
            values = numbers.standard_normal(shape, dtype=np.float32) * 0.01
            tensors[f"{module}.{side}.weight"] = values.astype(np.float16)
    tensor_hash = digest(save(tensors))
    return save(
        tensors,
        {
            "format": "pt",
            "simulated": "true",
            "modelspec.sai_model_spec": "1.0.1",
            "modelspec.architecture": "flux-1-dev/lora",
            "modelspec.implementation": "diffusers",
            "modelspec.title": f"Simulated LoRA {trigger_word}".strip(),
            "modelspec.description": "Made by a local sandbox. The weights are noise.",
            "modelspec.date": datetime.now(UTC).isoformat(timespec="seconds"),
            "modelspec.hash_sha256": f"0x{tensor_hash}",
            "modelspec.trigger_phrase": trigger_word,
            "ss_network_dim": str(RANK),
            "ss_num_train_images": str(len(pictures)),
            "ss_max_train_steps": str(steps),
            "ss_base_model_version": "flux1",
            "sshs_model_hash": tensor_hash,
        },
    )


def read(path: Path) -> bytes:
    """Return a safetensors file, taken out of Replicate's archive if it lies in one.

    Raises `NotWeights` for an archive without one.
    """
    if not tarfile.is_tarfile(path):
        return path.read_bytes()
    with tarfile.open(path) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            if file and entry.name.endswith(".safetensors"):
                return file.read()
    raise NotWeights("The archive has no safetensors file")


def digest(file: bytes) -> str:
    """Return the SHA-256 of a file's tensors, without its header. Raises `NotWeights`."""
    try:
        layers: list[tuple[str, Any]] = deserialize(file)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise NotWeights("The file is not in safetensors format") from error
    if not any("lora" in name for name, _ in layers):
        raise NotWeights("The file has no LoRA layers")
    return hashlib.sha256(file[8 + int.from_bytes(file[:8], "little") :]).hexdigest()


def remember(folder: Path, key: str, pictures: list[TrainingPicture]) -> None:
    """Keep the pictures of a training for the images that its weights will make."""
    shelf = folder / key
    shelf.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures[:REMEMBERED]):
        picture.image.save(shelf / f"{number:02}.jpg", quality=88)


def recall(folder: Path, key: str) -> list[Image.Image]:
    """Return the pictures that weights were made from, none for weights from elsewhere."""
    return [Image.open(path).convert("RGB") for path in sorted((folder / key).glob("*.jpg"))]


def tar(path: Path, weights: bytes, config: str, captions: dict[str, str]) -> None:
    """Write Replicate's archive of a training (replicate/flux-fine-tuner, train.py)."""
    files = {"lora.safetensors": weights, "config.yaml": config.encode()}
    files |= {f"captions/{name}.txt": text.encode() for name, text in captions.items()}
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"output/flux_train_replicate/{name}")
            entry.size = len(data)
            entry.mtime = int(datetime.now(UTC).timestamp())
            archive.addfile(entry, io.BytesIO(data))


def fal_config(*, archive_url: str, trigger_word: str, steps: int, is_style: bool) -> bytes:
    """Return the config file that fal's trainer gives beside the weights."""
    return json.dumps(
        {
            "simulated": True,
            "images_data_url": archive_url,
            "trigger_word": trigger_word,
            "steps": steps,
            "is_style": is_style,
            "rank": RANK,
        },
        indent=2,
    ).encode()


def replicate_config(*, trigger_word: str, steps: int) -> str:
    """Return the config of the ai-toolkit job that Replicate's trainer runs, as YAML."""
    return (
        "# Simulated: nothing was trained.\n"
        "job: extension\n"
        "config:\n"
        "  name: flux_train_replicate\n"
        "  process:\n"
        "  - type: custom_sd_trainer\n"
        f"    trigger_word: {json.dumps(trigger_word)}\n"
        "    network:\n"
        "      type: lora\n"
        f"      linear: {RANK}\n"
        f"      linear_alpha: {RANK}\n"
        "    train:\n"
        f"      steps: {steps}\n"
    )
