"""What came out: one image of a batch, who has hidden it, and whose favourite it is."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Least, Now
from django.utils.translation import gettext_lazy

from datasets import decoding
from datasets.folders import TemporaryFolder
from generations.additions import AddedLora
from generations.querysets import GeneratedImageQuerySet
from generations.states import Status
from trainings.exhibits import NotYours
from trainings.indexes import StoredField
from trainings.models import Training
from wallets.models import Wallet

if TYPE_CHECKING:
    from generations.models import Generation

SIZES = decoding.PRINT_SIDES
"""Of the thumbnails: pixels on the longer side. Each is there as AVIF and as WebP."""
DELETED_KEPT_IN = timedelta(days=30)
"""How long the files of a deleted image stay in the storage, where no address leads to them."""


class Hider(models.TextChoices):
    """As what somebody hides an image. Each hides for themselves: it is seen when nobody does."""

    MAKER = "maker", gettext_lazy("Whoever made it has hidden it.")
    OWNER = "owner", gettext_lazy("The LoRA's owner has hidden it.")
    ADMIN = "admin", gettext_lazy("An admin has hidden it.")


class GeneratedImage(models.Model):
    """One image of a batch, in our storage; or the word that it was held back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(
        "generations.Generation", models.CASCADE, related_name="images", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    """Its place in the batch, from 1."""
    file = models.CharField(max_length=200, blank=True, editable=False)
    """Its name in our storage; empty for a filtered one."""
    thumbnails = models.CharField(max_length=200, blank=True, editable=False)
    """The folder of `320.avif`, `320.webp`, `640.avif` and `640.webp` in our storage."""
    width = models.PositiveIntegerField(null=True, editable=False)
    """In pixels, as the file has them."""
    height = models.PositiveIntegerField(null=True, editable=False)
    size = models.PositiveIntegerField(null=True, editable=False)
    """In bytes, as the file in our storage has them."""
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    """Of the file in our storage."""
    seed = models.BigIntegerField(editable=False)
    """The provider's, or that of the batch."""
    placeholder = models.TextField(blank=True, editable=False)
    """A few pixels as a data: address, to show until the image has arrived."""
    is_filtered = models.BooleanField(default=False, editable=False)
    """Whether the safety checker held it back: that is said, and nothing is shown."""

    hidden_by_maker_at = models.DateTimeField(null=True, blank=True, editable=False)
    hidden_by_owner_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the owner of its LoRA hid it."""
    hidden_by_admin_at = models.DateTimeField(null=True, blank=True, editable=False)
    hiding_admin = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Which admin; maker and owner never change, so of them the row says enough."""
    hidden_at = StoredField(
        expression=Least("hidden_by_maker_at", "hidden_by_owner_at", "hidden_by_admin_at"),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
    )
    """When it was hidden first, of those who still hide it; the database works it out."""
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When whoever made it deleted it: gone for everybody, though the row stays."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = GeneratedImageQuerySet.as_manager()

    class Meta:
        ordering = ("generation", "number")
        constraints = (
            models.UniqueConstraint(fields=["generation", "number"], name="images_are_numbered"),
            models.CheckConstraint(
                condition=Q(is_filtered=True, file="") | Q(is_filtered=False) & ~Q(file=""),
                name="an_image_is_kept_or_filtered",
            ),
            models.CheckConstraint(
                condition=Q(hiding_admin=None) | Q(hidden_by_admin_at__isnull=False),
                name="an_admin_who_hides_has_hidden",
            ),
        )

    def __str__(self) -> str:
        return f"{self.generation_id} #{self.number}"

    def roles_of(self, wallet: Wallet) -> list[Hider]:
        """As what this wallet may hide it, nearest first; nothing for strangers."""
        roles = {
            Hider.MAKER: self.generation.wallet_id == wallet.pk,
            Hider.OWNER: self.generation.training.wallet_id == wallet.pk,
            Hider.ADMIN: wallet.is_admin,
        }
        return [role for role, is_theirs in roles.items() if is_theirs]

    def undone_by(self, wallet: Wallet) -> list[Hider]:
        """Whose hiding this wallet can undo: its own, and an admin everybody's."""
        return list(Hider) if wallet.is_admin else self.roles_of(wallet)

    def hidden_as(self) -> list[Hider]:
        """As what it is hidden at present, the mightiest last."""
        return [role for role in Hider if getattr(self, f"hidden_by_{role}_at") is not None]

    def held_by(self, wallet: Wallet) -> Hider | None:
        """The mightiest of those who hide it and whose hiding this wallet cannot undo."""
        undone = self.undone_by(wallet)
        return next((role for role in reversed(self.hidden_as()) if role not in undone), None)

    def can_be_shown_by(self, wallet: Wallet) -> bool:
        """Whether this wallet hides it, or is an admin: there is something for it to undo."""
        return any(role in self.undone_by(wallet) for role in self.hidden_as())

    def hide(self, by: Wallet) -> None:
        """Take it away from others; hiding it again changes nothing.

        Raises `NotYours` for a wallet that neither made it nor owns its LoRA nor is an admin.
        """
        roles = self.roles_of(by)
        if not roles:
            raise NotYours
        name = f"hidden_by_{roles[0]}_at"
        changes = {name: Now()} | ({"hiding_admin": by} if roles[0] == Hider.ADMIN else {})
        self._change(Q((name, None)), **changes)

    def show(self, by: Wallet) -> None:
        """Undo what this wallet has hidden, or for an admin what anybody has.

        Others see it again if nobody else hides it. Raises `NotYours` if somebody does whose hiding
        this wallet cannot undo, and it has none of its own.
        """
        undone = self.undone_by(by)
        self.refresh_from_db()
        if not undone or (self.held_by(by) and not self.can_be_shown_by(by)):
            raise NotYours
        changes: dict[str, Any] = {f"hidden_by_{role}_at": None for role in undone}
        self._change(Q(), **changes | ({"hiding_admin": None} if Hider.ADMIN in undone else {}))

    def remove(self) -> None:
        """Make it gone for everybody; its files follow. Removing it again changes nothing."""
        with transaction.atomic():
            self._change(Q(deleted_at=None), deleted_at=Now())
            self.favourites.all().delete()
            TemporaryFolder.expire([self.thumbnails], expires_in=DELETED_KEPT_IN)

    def _change(self, condition: Q, **changes: Any) -> None:
        """Write and count in one; the lock keeps others from changing it in between."""
        row = type(self).objects.filter(pk=self.pk)
        shown = row.kept().filter(hidden_at=None)
        with transaction.atomic():
            lock(row)
            before = shown.count()
            row.kept().filter(condition).update(**changes)
            if more := shown.count() - before:
                count_images(self.generation, more)
        self.refresh_from_db()


def lock(row: GeneratedImageQuerySet) -> None:
    """Let nobody else change it until this transaction ends."""
    row.select_for_update(no_key=True).get()


class Favourite(models.Model):
    """An image that a wallet wants to find again; nobody else sees that."""

    wallet = models.ForeignKey(Wallet, models.CASCADE, related_name="favourites", db_index=False)
    image = models.ForeignKey(GeneratedImage, models.CASCADE, related_name="favourites")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["wallet", "image"], name="favourite_once"),)

    def __str__(self) -> str:
        return f"{self.image_id} of {self.wallet_id}"


def count_images(batch: Generation, more: int) -> None:
    """Add to how many images others can see of a batch's LoRA; in the transaction that shows them.

    Where LoRAs were added, these decide too whether others see it, so that it is counted anew. The
    cells of a report card do not count: nobody has wished for them.
    """
    if batch.report_card_id is not None:
        return
    if batch.added_loras.exists():
        recount(batch.training_id)
    else:
        loras = Training.objects.filter(pk=batch.training_id)
        loras.update(image_count=F("image_count") + more)


def recount(training_pk: uuid.UUID) -> None:
    """Count the images of a LoRA that others can see while they see the LoRA.

    Whoever counts waits for whoever counts the same, so that the last one has seen what all did.
    """
    with transaction.atomic():
        lora = Training.objects.filter(pk=training_pk)
        locked = lora.select_for_update(no_key=True).get()
        batches = locked.generations.wished().filter(status=Status.COMPLETED)
        seen = GeneratedImage.objects.shown_to(AnonymousUser()).filter(
            generation__in=batches.adding_only(Training.objects.public())
        )
        lora.update(image_count=seen.count())


def hear_visibility(training_pk: uuid.UUID) -> None:
    """Others see a LoRA now, or do no longer: count anew what it was added to."""
    additions = AddedLora.objects.filter(training=training_pk)
    for first in additions.values_list("generation__training", flat=True).distinct():
        recount(first)
