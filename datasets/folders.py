"""Folders of the storage that must go at some time, written down before the first file is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Self
from uuid import uuid4

from django.apps import apps
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from datasets import storage
from loratrainer.outcomes import TryAgainLater

UNUSED_EXPIRE_IN = timedelta(hours=1)
"""How long a folder may wait for the row that it was written for."""
TRY_AGAIN_IN = timedelta(minutes=1)


class TemporaryFolderQuerySet(models.QuerySet["TemporaryFolder"]):
    def expired(self) -> Self:
        """Those that must be gone by now."""
        return self.filter(expires_at__lte=Now())


class TemporaryFolder(models.Model):
    """A folder in the storage that must be gone by a moment, unless a picture needs it then.

    Written before the first file is, and removed when the folder has found its owner or is gone;
    so whatever breaks between the database and the storage, nothing is left over.
    """

    name = models.CharField(max_length=100, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = TemporaryFolderQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def expire(names: Iterable[str], *, expires_in: timedelta) -> None:
        """Have the folders removed by the sweep after a time, which replaces an earlier one."""
        TemporaryFolder.objects.bulk_create(
            [TemporaryFolder(name=name, expires_at=Now() + expires_in) for name in names if name],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["expires_at"],
        )

    def take(self) -> bool:
        """Say whether it is ours to remove; if that fails, somebody tries again in a minute."""
        mine = TemporaryFolder.objects.expired().filter(pk=self.pk)
        return bool(mine.update(expires_at=Now() + TRY_AGAIN_IN))

    def remove(self) -> None:
        """Delete the folder unless a picture lies in it. Raises `TryAgainLater`."""
        if not apps.get_model("datasets.Picture").objects.in_folder(self.name).exists():
            storage.delete_folder(self.name)
        self.delete()


def reserve(number: int = 1) -> list[str]:
    """The names of so many new folders, which are temporary until a row takes them."""
    folders = [f"pictures/{uuid4().hex}" for _place in range(number)]
    TemporaryFolder.expire(folders, expires_in=UNUSED_EXPIRE_IN)
    return folders


def fill(folder: str, files: dict[str, bytes]) -> None:
    """Write files into a reserved folder. Raises `TryAgainLater`."""
    for name, content in files.items():
        storage.save(f"{folder}/{name}", content)


def keep(files: dict[str, bytes]) -> str:
    """Write files into a folder of their own, and return its name. Raises `TryAgainLater`."""
    [folder] = reserve()
    fill(folder, files)
    return folder


def discard(folders: Iterable[str]) -> None:
    """Have folders removed that no picture needs any more; after this transaction."""
    TemporaryFolder.expire(folders, expires_in=timedelta(0))


def found_its_owner(folder: str) -> None:
    """Take the folder from the sweep. Raises `TryAgainLater` if the sweep may have it already."""
    waiting = TemporaryFolder.objects.filter(name=folder, expires_at__gt=Now())
    if not waiting.delete()[0]:
        raise TryAgainLater(_("That took too long. Try again."))
