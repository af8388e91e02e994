"""What the variables around `STORAGE` make of the settings; `tests/datasets` asks the storages."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from loratrainer.storages import storage_of
from tests.clouds import service_account

__all__ = ["service_account"]

S3 = {
    "S3_BUCKET": "pictures",
    "S3_REGION": "eu-central-1",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3.items():
        monkeypatch.setenv(name, value)


def test_a_disk_is_a_folder_below_var(tmp_path: Path) -> None:
    options = storage_of("disk", var=tmp_path)["OPTIONS"]
    assert options["location"] == str(tmp_path / "media")


def test_another_kind_is_refused_with_the_kinds_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be disk, s3 or gcs, not 'ftp'"):
        storage_of("ftp", var=tmp_path)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("missing", ["S3_BUCKET", "S3_REGION"])
def test_s3_without_bucket_or_region_is_refused(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(missing, "")
    with pytest.raises(ImproperlyConfigured, match=f"STORAGE=s3 needs {missing}"):
        storage_of("s3", var=tmp_path)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("missing", ["S3_ACCESS_KEY", "S3_SECRET_KEY"])
def test_one_of_the_two_keys_alone_is_refused(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(ImproperlyConfigured, match=f"{missing} is missing"):
        storage_of("s3", var=tmp_path)


@pytest.mark.usefixtures("s3")
def test_without_keys_boto3_looks_for_them_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S3_ACCESS_KEY")
    monkeypatch.delenv("S3_SECRET_KEY")
    options = storage_of("s3", var=tmp_path)["OPTIONS"]
    assert (options["access_key"], options["secret_key"]) == (None, None)


@pytest.mark.parametrize("content", [None, "", "{}", "not JSON"])
def test_gcs_needs_a_key_file_that_can_be_read(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GCS_CREDENTIALS", str(path))
    with pytest.raises(ImproperlyConfigured, match="GCS_CREDENTIALS must be the path"):
        storage_of("gcs", var=tmp_path)


def test_gcs_without_a_bucket_is_refused(
    service_account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GCS_CREDENTIALS", str(service_account))
    with pytest.raises(ImproperlyConfigured, match="STORAGE=gcs needs GCS_BUCKET"):
        storage_of("gcs", var=tmp_path)
