import pytest
from wallets.models import Wallet


@pytest.mark.django_db
def test_db():
    assert Wallet.objects.count() == 0
