"""The guarded client's other half: sending to an address that a person gave us.

The guards are those of `loratrainer/fetching.py`: the list of hosts, the judged network, no
redirects, one deadline for everything. What the receiver writes back is not read, only its status.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping

import httpcore
from django.utils.translation import gettext as _

from loratrainer.addresses import Refused, check_url, is_own_origin
from loratrainer.fetching import CONNECT_SECONDS, IDLE_SECONDS, JudgingNetwork
from loratrainer.outcomes import TryAgainLater

__all__ = ["NoAnswer", "Refused", "post"]

logger = logging.getLogger(__name__)


class NoAnswer(TryAgainLater):
    """What was sent may have arrived all the same: send again only what may be heard twice."""


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    allowed: Collection[str],
    timeout_in: float,
) -> int:
    """Send once, and return the HTTP status of the answer, whatever it is; redirects are answers.

    `allowed` is explained at `check_url`. `timeout_in` is in seconds, for everything together.

    Raises `Refused` where we do not send to, `NoAnswer` if it may have arrived, and otherwise
    `TryAgainLater` if it surely did not.
    """
    try:
        checked = check_url(url, allowed=allowed)
        network = JudgingNetwork(
            time.monotonic() + timeout_in, own_origin=is_own_origin(checked, allowed)
        )
        target = httpcore.URL(
            scheme=checked.raw_scheme,
            host=checked.raw_host,
            port=checked.port,
            target=checked.raw_path,
        )
        timeouts = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
        with (
            httpcore.ConnectionPool(network_backend=network) as pool,
            pool.stream(
                "POST",
                target,
                headers=[("User-Agent", "loratrainer"), *headers.items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as response,
        ):
            return response.status
    except Refused as error:
        # One text for whatever we refuse, so that it tells nothing about our network.
        raise Refused(_("We do not send to this address.")) from error
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        logger.info("Could not connect to send: %r.", error)
        raise TryAgainLater(_("The address could not be reached.")) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        logger.info("Sent, and heard no answer: %r.", error)
        raise NoAnswer(_("The address gave no answer.")) from error
