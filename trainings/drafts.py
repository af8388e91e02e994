"""What somebody has typed on the train page, kept as it was typed until the training begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _

from datasets.models import Dataset, Frozen, NotReady
from providers import get_providers
from providers.base import Setting
from wallets.models import Wallet

if TYPE_CHECKING:
    from trainings.forms import TrainingForm
    from trainings.models import Training
    from wallets.http import Request

FIELDS = (
    *("name", "description", "kind", "trigger_word", "training_steps"),
    *("provider", "visibility"),
)
"""The fields that every training has; the advanced settings of the trainers come on top."""
LENGTH = 2000
"""How many characters of a field are kept; what is longer than that is no setting."""


def option_name(alias: str, setting: Setting) -> str:
    """The field of one trainer's setting: two trainers may have one of the same name."""
    return f"{alias}-{setting.name}"


class Draft(models.Model):
    """The settings form of one draft dataset: strings, right or wrong."""

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="draft")
    typed = models.JSONField(default=dict, blank=True)
    parent = models.ForeignKey(
        "trainings.Training", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """The training that is done again with changes."""
    is_refused = models.BooleanField(default=False)
    """Whether somebody has tried to start it as it could not be."""

    def __str__(self) -> str:
        return f"{self.typed.get('trigger_word') or 'nameless'} of {self.dataset_id}"

    @classmethod
    def current(cls, request: Request, pk: UUID | None = None) -> Self | None:
        """The visitor's draft of this dataset, by default their newest, if there is one.

        Whoever signs in keeps what their browser began. Raises `Dataset.DoesNotExist`, and `Frozen`
        when the dataset has been trained with.
        """
        mine = Dataset.objects.mine(request)
        dataset = mine.get(pk=pk) if pk else mine.drafts().first()
        if dataset is None:
            return None
        if dataset.kind != Dataset.Kind.DRAFT:
            raise Frozen
        if isinstance(request.user, Wallet) and dataset.wallet_id is None:
            dataset.adopt(request.user)
        return cls.objects.filter(dataset=dataset).first() or cls(dataset=dataset)

    @classmethod
    def again(cls, training: Training) -> Self:
        """A draft with the pictures, captions and settings of a training."""
        draft = cls(dataset=training.dataset.copy(), parent=training)
        options = {
            name: written(training.options[setting.name])
            for name, setting in option_names()
            if name == option_name(training.provider, setting) and setting.name in training.options
        }
        draft.keep(
            {
                "name": training.name,
                "description": training.description,
                "kind": training.kind,
                "trigger_word": training.trigger_word,
                "training_steps": str(training.training_steps),
                "provider": training.provider,
                "visibility": "private" if training.is_private else "public",
                **options,
            }
        )
        return draft

    def keep(self, typed: Mapping[str, str]) -> None:
        """Keep what was typed in the fields that there are; the others stay as they were."""
        known = [*FIELDS, *(name for name, _setting in option_names())]
        changes = {
            # PostgreSQL's JSON has no place for the character NUL.
            name: str(typed[name]).replace("\0", "")[:LENGTH]
            for name in known
            if name in typed
        }
        with transaction.atomic():
            # Two requests of one page may be under way, and there may be no row yet to hold.
            self.dataset.lock()
            kept = type(self).objects.filter(pk=self.pk).first() or self
            self.typed, self.is_refused = kept.typed | changes, kept.is_refused
            self.save()

    def check_ready(self, form: TrainingForm) -> None:
        """Raise `NotReady`, with words, unless a training can begin with this form."""
        if not form.strict().is_valid():
            raise NotReady(_("Something in the settings is not right yet."))
        self.dataset.check_ready()
        needed, chosen = form.trainer.fewest_pictures, self.dataset.pictures.chosen().count()
        if chosen < needed:
            words = _("{trainer} needs at least {needed} images; you have chosen {chosen}.")
            trainer = _(form.trainer.title)
            raise NotReady(words.format(trainer=trainer, needed=needed, chosen=chosen))

    def refuse(self) -> None:
        """Say on its page from now on what a start still needs."""
        self.is_refused = True
        type(self).objects.filter(pk=self.pk).update(is_refused=True)

    def problem(self, form: TrainingForm) -> str:
        """Say what a start still needs, once one was refused; nothing when nothing is missing."""
        try:
            if self.is_refused:
                self.check_ready(form)
        except NotReady as exc:
            return str(exc)
        return ""


def option_names() -> list[tuple[str, Setting]]:
    """The fields of all settings of all trainers."""
    return [
        (option_name(alias, setting), setting)
        for alias, provider in get_providers().items()
        for setting in provider.settings
    ]


def written(value: Any) -> str:
    """A setting's value as its field writes it."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
