"""What `manage.py check --deploy` says, asked in a process with settings of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

PRODUCTION = {
    "SECRET_KEY": "a-long-random-text-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "SITE_URL": "https://lora.example",
    "DATABASE_URL": "postgresql://loratrainer:secret@db.example:5432/loratrainer",
    "REDIS_URL": "redis://redis.example:6379/0",
    "STORAGE": "s3",
    "S3_BUCKET": "pictures",
    "S3_REGION": "eu-central-1",
    "FAL_KEY": "id:secret",
    "FAL_USER_ID": "github|1",
    "REPLICATE_API_TOKEN": "r8_secret",
    "CHAIN_RPC_URL": "https://base.example/rpc",
    "CHAIN_WITNESS_URL": "https://witness.example/rpc",
    "TREASURY": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
}


def check_deploy(folder: Path, settings: dict[str, str]) -> tuple[int, str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=clean | {"ENV_FILE": os.devnull, "VAR_DIR": str(folder)} | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_documented_production_settings_have_no_issue(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION)
    # The silenced one looks for Django's CSRF middleware by name; ours is a kind of it.
    assert said == "System check identified no issues (1 silenced).\n"
    assert code == 0


@pytest.mark.parametrize("name", ["FAL_KEY", "REPLICATE_API_TOKEN", "CHAIN_RPC_URL"])
def test_a_missing_key_is_refused_because_the_sandbox_would_answer(
    name: str, tmp_path: Path
) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {name: ""})
    assert f"{name} is not set, so this outside world is the sandbox." in said
    assert code == 1


@pytest.mark.parametrize("url", ["", PRODUCTION["CHAIN_RPC_URL"]])
def test_a_node_without_a_second_one_is_pointed_out(url: str, tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"CHAIN_WITNESS_URL": url})
    assert "Payments are counted on one node's word." in said
    assert code == 1


def test_a_key_of_fal_without_its_user_is_pointed_out(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"FAL_USER_ID": ""})
    assert "loratrainer.W002" in said
    assert code == 1


def test_a_disk_is_pointed_out_because_other_machines_do_not_see_it(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"STORAGE": ""})
    assert "loratrainer.W003" in said
    assert code == 1


def test_an_admin_without_a_second_factor_is_pointed_out(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"ADMIN_SECOND_FACTOR": "false"})
    assert "loratrainer.W004" in said
    assert code == 1


def test_a_storage_without_a_bucket_is_refused_in_words(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"S3_BUCKET": ""})
    assert "STORAGE=s3 needs S3_BUCKET, as .env.example explains." in said
    assert code == 1


def test_a_local_installation_is_refused(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, {})
    assert "loratrainer.E002" in said
    assert "loratrainer.W001" in said
    assert code == 1


def test_a_site_url_that_is_no_origin_is_refused_in_words(tmp_path: Path) -> None:
    code, said = check_deploy(tmp_path, PRODUCTION | {"SITE_URL": "lora.example"})
    assert "SITE_URL must be an origin like https://lora.example" in said
    assert code == 1
