"""What is written into an image: how it was made, and that no camera made it.

The text is that of A1111's web UI, which Civitai and others read (`modules/infotext_utils.py`
there): the prompt on a line, then `Steps: ` and more. It says only what is true and known: no
provider names its sampler. The mark is IPTC's DigitalSourceType
(https://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

import json

from django.conf import settings
from PIL import Image

from generations.models import Generation
from trainings.own import filename

EXIF_IFD, USER_COMMENT, SOFTWARE = 0x8769, 0x9286, 0x0131
"""Tags of EXIF (CIPA DC-008, 4.6)."""
HASH_LENGTH = 12
"""Of the hash that tools call "AutoV3", in hexadecimal digits."""
XMP = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
   Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def parameters(batch: Generation, *, number: int, seed: int, width: int, height: int) -> str:
    """The text for the image of this number; width and height in pixels."""
    scales = [batch.scale, *(addition.scale for addition in batch.additions)]
    names = [filename(lora, "") for lora in batch.loras]
    tags = " ".join(f"<lora:{name}:{scale:g}>" for name, scale in zip(names, scales, strict=True))
    hashes = ", ".join(
        f"{name}: {lora.tensors_sha256[:HASH_LENGTH]}"
        for name, lora in zip(names, batch.loras, strict=True)
        if lora.tensors_sha256
    )
    known = {
        "Steps": batch.inference_steps,
        "CFG scale": 1,
        "Distilled CFG Scale": f"{batch.guidance:g}",
        "Seed": seed,
        "Size": f"{width}x{height}",
        "Model": "flux1-dev",
        **(
            {"Batch size": batch.images_asked, "Batch pos": number - 1}
            if batch.images_asked > 1
            else {}
        ),
        **({"Lora hashes": hashes} if hashes else {}),
        "Version": settings.SITE_NAME,
    }
    line = ", ".join(f"{name}: {_quoted(str(value))}" for name, value in known.items())
    return f"{batch.full_prompt} {tags}\n{line}"


def exif(text: str) -> bytes:
    """The EXIF of a JPEG with this text as its comment, in UTF-16 as A1111 writes it."""
    made = Image.Exif()
    made[SOFTWARE] = settings.SITE_NAME
    made.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + text.encode("utf-16-be")
    return made.tobytes()


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if {",", ":", "\n"} & set(value) else value
