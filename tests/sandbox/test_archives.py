from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from sandbox import archives
from tests.sandbox.conftest import picture


def zipped(tmp_path: Path, **files: bytes | str) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def test_pictures_come_with_their_captions_and_without_the_rest(tmp_path: Path) -> None:
    path = zipped(
        tmp_path,
        **{
            "set/b.PNG": picture(1),
            "set/a.jpg": picture(2),
            "set/a.txt": " a caption \n",
            "set/a_mask.jpg": picture(3),
            "__MACOSX/set/._a.jpg": b"resource fork",
            "set/._b.png": b"resource fork",
            "notes.md": "no picture",
            "set/": "",
        },
    )
    found = archives.read(path)
    assert [(one.name, one.caption) for one in found] == [("a.jpg", "a caption"), ("b.PNG", "")]


def test_large_pictures_are_reduced_and_turned_upright(tmp_path: Path) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (2000, 1000)).save(file, "JPEG", exif=exif)
    found = archives.read(zipped(tmp_path, **{"a.jpg": file.getvalue()}))
    assert found[0].image.size == (384, 768)


def test_a_damaged_archive_cannot_be_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, **{"a.png": picture()})
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(archives.Unreadable):
        archives.read(path)
    path.write_bytes(data[:-30])
    with pytest.raises(archives.Unreadable, match="not a readable ZIP"):
        archives.read(path)


@pytest.mark.parametrize(
    ("field", "value"), [(10, 99), (8, 1)], ids=["unknown compression", "password"]
)
def test_an_archive_that_python_cannot_unpack_cannot_be_read(
    tmp_path: Path, field: int, value: int
) -> None:
    path = zipped(tmp_path, **{"a.png": picture()})
    data = bytearray(path.read_bytes())
    # Of the central header; in the local one it is two bytes earlier (APPNOTE.TXT, 4.3.7, 4.3.12).
    data[field - 2] = data[data.index(b"PK\x01\x02") + field] = value
    path.write_bytes(data)
    with pytest.raises(archives.Unreadable, match="not a readable ZIP"):
        archives.read(path)


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(archives.MOST_ENTRIES + 1):
            file.writestr(f"{number}.txt", "")
    with pytest.raises(archives.Unreadable, match="too large"):
        archives.read(path)
