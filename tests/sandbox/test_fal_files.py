from __future__ import annotations

import fal_client
import fal_client.client as fal_module
import httpx
import pytest

from providers.sdk import fal_client_for
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def fal(well_behaved: SandboxProcess) -> fal_client.SyncClient:
    return fal_client_for("sandbox", f"{well_behaved.url}/fal")


def test_an_upload_can_be_read_by_everybody(
    fal: fal_client.SyncClient, sandbox: SandboxProcess
) -> None:
    url = fal.upload(b"a zip", "application/zip", "my pictures.zip")
    assert url.startswith(f"{sandbox.url}/fal/files/files/")
    assert url.endswith("/my_pictures.zip")
    answer = httpx.get(url)
    assert answer.content == b"a zip"
    assert answer.headers["Content-Type"] == "application/zip"


def test_a_part_of_a_file_can_be_asked_for(fal: fal_client.SyncClient) -> None:
    url = fal.upload(b"0123456789", "application/zip", "a.zip")
    answer = httpx.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")


def test_a_large_file_comes_in_parts_in_any_order(fal: fal_client.SyncClient) -> None:
    data = bytes(range(256)) * 1000
    with fal._get_cdn_client() as client:
        url = fal_module.MultipartUpload.save(
            client=client,
            token_manager=fal._token_manager,
            file_name="large.zip",
            data=data,
            chunk_size=30_000,
        )
    assert httpx.get(url).content == data


@pytest.mark.parametrize("number", [1, 2])
def test_parts_that_did_not_arrive_are_missed(fal: fal_client.SyncClient, number: int) -> None:
    with fal._get_cdn_client() as client:
        upload = fal_module.MultipartUpload(
            file_name="a.zip", client=client, token_manager=fal._token_manager
        )
        upload.create()
        upload.upload_part(1, b"first")
        upload._parts.append({"partNumber": number, "etag": '"of something else"'})
        with pytest.raises(fal_client.FalClientHTTPError) as error:
            upload.complete()
    assert error.value.status_code == 400
    assert httpx.get(upload.access_url).status_code == 404


def test_the_older_way_asks_for_an_address_first(fal: fal_client.SyncClient) -> None:
    url = fal.upload(b"a zip", "application/zip", "a.zip", repository="fal")
    assert httpx.get(url).content == b"a zip"
    assert httpx.put(f"{url}?upload=1", content=b"changed").status_code == 404
    assert httpx.get(url).content == b"a zip"


@pytest.mark.parametrize("token", ["", "Bearer 9999999999.00", "Bearer ä", "Bearer 1.2.3"])
def test_an_upload_needs_a_token(sandbox: SandboxProcess, token: str) -> None:
    url = f"{sandbox.url}/fal/files/files/upload"
    answer = httpx.post(url, headers={"Authorization": token.encode()}, content=b"x")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["x/y", "..%2F..%2Fkeys.json/x", "..%2Fjobs/x", "%2e%2e/keys.json"]
)
def test_no_other_file_can_be_read(sandbox: SandboxProcess, path: str) -> None:
    assert httpx.get(f"{sandbox.url}/fal/files/files/{path}").status_code == 404
