"""A training that a program orders: pictures and settings in one request, paid at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID, uuid5

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from datasets import decoding
from datasets.decoding import Developed, Unreadable
from datasets.folders import keep
from datasets.forms import CaptionField
from datasets.models import Dataset
from datasets.pages import megabytes
from datasets.picture_views import display_name
from datasets.pictures import Picture, files_of
from gallery.api_problems import Invalid, Problem
from gallery.api_settings import Order, misplaced, typed_of
from payments.models import Entry
from trainings.forms import TrainingForm
from trainings.models import Training
from trainings.ticket import missing_cents
from wallets.models import Wallet

type Upload = UploadedFile[bytes]

WISHES = UUID("6f0a1e0c-5f0e-4c0b-9f5e-0b6a7d1c2e3f")
"""The namespace (RFC 9562, 5.5) of the ids that idempotency keys stand for; it must not change."""
SAME = ("kind", "trigger_word", "training_steps", "provider", "options")
"""What a repeated order must agree in; the rest its owner may have changed since."""


def wish_of(wallet: Wallet, key: str) -> UUID:
    """Return the id that this key of a wallet stands for, always the same."""
    return uuid5(WISHES, f"{wallet.pk}:{key}")


def order(
    wallet: Wallet,
    key: str,
    asked: Order,
    files: Sequence[Upload],
) -> tuple[Training, bool]:
    """Begin and pay a training; say whether it is new, or was begun with this key before.

    Raises `Problem`: 402 when the balance does not allow it, 409 and 422; nothing is begun or
    charged then.
    """
    form = TrainingForm(typed_of(asked))
    captions = cleaned(form, files, asked.captions or [""] * len(files), misplaced(asked))
    wish = wish_of(wallet, key)
    if begun := begun_as(wallet, wish, form, captions):
        return begun, False
    check_balance(wallet)
    developed = [develop(file, number) for number, file in enumerate(files)]
    folders = [keep(files_of(picture)) for picture in developed]
    with transaction.atomic():
        # The same order, sent twice at once, waits here for the first one.
        Wallet.objects.select_for_update().get(pk=wallet.pk)
        if begun := begun_as(wallet, wish, form, captions):
            return begun, False
        dataset = Dataset.objects.create(pk=wish, kind=Dataset.Kind.DRAFT, wallet=wallet)
        rows = zip(files, captions, developed, folders, strict=True)
        for position, (file, caption, picture, folder) in enumerate(rows):
            row = Picture(
                dataset=dataset, position=position, name=display_name(file), caption=caption
            )
            row.kept_as(picture, folder)
        training = Training.begin(wallet, dataset, **form.choices())
        if not training.collect():
            check_balance(wallet)
    training.refresh_from_db()
    return training, True


def cleaned(
    form: TrainingForm,
    files: Sequence[Upload],
    captions: Sequence[str],
    found: Sequence[Mapping[str, str]],
) -> list[str]:
    """Return the captions as they are kept.

    Raises `Invalid` with everything that is wrong with an order, as far as can be seen at once;
    `found` was seen before.
    """
    kept = []
    errors = [*found] + [
        {"pointer": f"#/{name.removeprefix(f'{form.alias}-')}", "detail": str(message)}
        for name, messages in form.errors.items()
        for message in messages
    ]
    least = max(settings.PICTURES_MIN, form.trainer.fewest_pictures)
    if not least <= len(files) <= settings.PICTURES_MAX:
        words = _("A training takes {least} to {most} pictures; {number} arrived.")
        detail = words.format(least=least, most=settings.PICTURES_MAX, number=len(files))
        errors.append({"pointer": "#/pictures", "detail": detail})
    for number, file in enumerate(files):
        if (file.size or 0) > settings.PICTURE_MAX_BYTES:
            words = _("This file is larger than {most}.")
            detail = words.format(most=megabytes(settings.PICTURE_MAX_BYTES))
            errors.append({"pointer": f"#/pictures/{number}", "detail": detail})
    if len(captions) != len(files):
        detail = _("Send one caption for each picture, empty or not, or none at all.")
        errors.append({"pointer": "#/captions", "detail": detail})
    for number, caption in enumerate(captions):
        try:
            kept.append(CaptionField().clean(caption))
        except ValidationError as exc:
            pointer = f"#/captions/{number}"
            errors.extend({"pointer": pointer, "detail": words} for words in exc.messages)
    if errors:
        raise Invalid(errors)
    return kept


def check_balance(wallet: Wallet) -> None:
    """Raise 402 with what the balance lacks, unless it allows a training."""
    price = settings.TRAINING_USD_CENTS
    if missing := missing_cents(wallet, price):
        raise Problem(
            402,
            _("A training is paid from the balance. Pay in on the site first; nothing was begun."),
            price_cents=price,
            balance_cents=Entry.objects.balance_of(wallet),
            missing_cents=missing,
        )


def begun_as(
    wallet: Wallet, wish: UUID, form: TrainingForm, captions: Sequence[str]
) -> Training | None:
    """Return the training that this wish has become, if it has.

    Raises 422 when it asked for something else, and 409 when that has been deleted.
    """
    training = wallet.trainings.select_related("wallet").filter(dataset_id=wish).first()
    if training is None:
        return None
    if training.deleted_at:
        raise Problem(409, _("What this key began has been deleted. Use a new key."))
    choices = form.choices()
    written = training.dataset.pictures.values_list("caption", flat=True)
    if any(getattr(training, name) != choices[name] for name in SAME) or [*written] != [*captions]:
        raise differs()
    return training


def differs() -> Problem:
    """Return 422: the key was used, and for something else."""
    words = _("This key was used for something else before. Use a new one for each order.")
    return Problem(422, words, errors=[{"header": "Idempotency-Key", "detail": words}])


def develop(file: Upload, number: int) -> Developed:
    """Decode a picture, the `number`th counted from 0. Raises `Invalid`."""
    try:
        return decoding.develop(file.read())
    except Unreadable as exc:
        raise Invalid([{"pointer": f"#/pictures/{number}", "detail": str(exc)}]) from exc


def uploads(files: Sequence[object]) -> list[Upload]:
    """Return uploaded files as what they are."""
    return cast("list[Upload]", list(files))
