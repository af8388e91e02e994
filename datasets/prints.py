"""How a generated image is written: its own compression again, and metadata of ours. Pillow only.

Runs in the decoder's process, like `datasets/pixels.py`.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo

from datasets import pixels

DOTS = 8
"""Of a placeholder's longer side."""


def encoded(
    image: Image.Image, opened: Image.Image, *, parameters: str, exif: bytes, xmp: bytes
) -> bytes:
    """The file to keep of an image that was opened as `opened`: PNG for PNG, else JPEG.

    `parameters` goes into the PNG text of that name (as A1111 writes it), `exif` into a JPEG, `xmp`
    into both (PNG keyword: XMP Specification Part 3, 1.1.5).
    """
    file = io.BytesIO()
    if opened.format == "PNG":
        text = PngInfo()
        text.add_text("parameters", parameters)
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(file, "PNG", compress_level=6, pnginfo=text)
    else:
        image.save(file, "JPEG", exif=exif, xmp=xmp, **_compression(opened))
    return file.getvalue()


def _compression(opened: Image.Image) -> dict[str, Any]:
    """A JPEG's own tables and subsampling, so that it loses next to nothing and does not grow."""
    if not isinstance(opened, JpegImagePlugin.JpegImageFile) or opened.mode != "RGB":
        return dict(pixels.JPEG)
    subsampling = JpegImagePlugin.get_sampling(opened)
    return {"qtables": opened.quantization, "subsampling": subsampling, "quality": -1}
