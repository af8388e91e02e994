"""Which batches and images, and who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from generations.allowance import WINDOW
from generations.states import Status
from loratrainer.jobs import JobQuerySet
from trainings.models import Training

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from generations.models import (  # noqa: F401 - named in the base classes
        GeneratedImage,
        Generation,
    )
    from trainings.querysets import TrainingQuerySet
    from wallets.models import Wallet


class GenerationQuerySet(JobQuerySet["Generation"]):
    def visible_to(self, user: Wallet | AnonymousUser) -> Self:
        """The completed batches of LoRAs that this visitor may see, with an image they may see."""
        return self.wished().with_images_for(user)

    def with_images_for(self, user: Wallet | AnonymousUser) -> Self:
        """The same, and the cells of report cards among them."""
        from generations.models import GeneratedImage  # noqa: PLC0415 - the two need each other

        shown = GeneratedImage.objects.shown_to(user).filter(generation=OuterRef("pk"))
        loras = Training.objects.visible_to(user)
        return self.filter(Exists(shown), status=Status.COMPLETED).made_of(loras)

    def wished(self) -> Self:
        """Those that a person asked for; the others are cells of a report card."""
        return self.filter(report_card=None)

    def made_of(self, loras: TrainingQuerySet) -> Self:
        """Those all of whose LoRAs, the first and the added ones, are among these.

        Images show what each of their LoRAs has learned, and their files name all of them; so
        whoever may not see one of these sees nothing of the batch.
        """
        return self.filter(training__in=loras).adding_only(loras)

    def adding_only(self, loras: TrainingQuerySet) -> Self:
        """Those to which no other LoRAs than these were added."""
        from generations.additions import AddedLora  # noqa: PLC0415 - the two need each other

        others = AddedLora.objects.filter(generation=OuterRef("pk")).exclude(training__in=loras)
        return self.exclude(Exists(others))

    def counted(self) -> Self:
        """Those that use a place of their wallet's allowance at this moment."""
        return self.filter(is_counted=True, created_at__gt=Now() - WINDOW)

    def newest(self) -> Self:
        """The latest first; two of the same moment in the order of their ids."""
        return self.order_by("-created_at", "-id")


class GeneratedImageQuerySet(models.QuerySet["GeneratedImage"]):
    def kept(self) -> Self:
        """Those that there is something to see of: neither held back by the checker nor deleted."""
        return self.filter(is_filtered=False, deleted_at=None)

    def shown_to(self, user: Wallet | AnonymousUser) -> Self:
        """Those that nobody has hidden from this visitor, whatever LoRA they are of.

        What is hidden is still seen by those who can hide it: who made it, whose LoRA it is of,
        and admins.
        """
        if user.is_authenticated and user.is_admin:
            return self.kept()
        seen = Q(hidden_at=None)
        if user.is_authenticated:
            seen |= Q(generation__wallet=user) | Q(generation__training__wallet=user)
        return self.kept().filter(seen)

    def visible_to(self, user: Wallet | AnonymousUser) -> Self:
        """Those that this visitor may look at: not hidden from them, of LoRAs that they may see."""
        from generations.models import Generation  # noqa: PLC0415 - the two need each other

        batches = Generation.objects.filter(status=Status.COMPLETED)
        seen = batches.made_of(Training.objects.visible_to(user))
        return self.shown_to(user).filter(generation__in=seen)
