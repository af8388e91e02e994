"""The demo wallet: one more wallet in the list whose keys lie in the sandbox.

It exists on the sandbox's chain only, where nothing is worth anything. `wallets.checks` refuses
every other combination, the address is not even routed there, and the view asks once more.
"""

from __future__ import annotations

import httpx
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

SECONDS = 30
"""How long the sandbox may take for one answer; it draws pictures meanwhile."""


def is_available() -> bool:
    """Say whether there is a demo wallet: a local installation on the sandbox's own chain."""
    sandbox_chain = f"{settings.SANDBOX_URL}/chain"
    return bool(settings.DEMO_WALLET and settings.LOCAL and sandbox_chain == settings.CHAIN_RPC_URL)


# A form of another site cannot send this content type, and the guard on origins stands before it.
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def demo_wallet(request: HttpRequest) -> HttpResponse:
    """Pass a wallet's request on to the sandbox (`{method, params, account}`, as in EIP-1193).

    GET answers with the accounts that it has: `{accounts: [{name, address}, ...], ...}`.
    """
    if not is_available():
        raise Http404
    if request.method == "POST" and request.content_type != "application/json":
        return HttpResponse(status=415)
    path = "wallet" if request.method == "POST" else "accounts"
    try:
        answer = httpx.request(
            str(request.method),
            f"{settings.SANDBOX_URL}/sandbox/{path}",
            content=request.body,
            headers={"Content-Type": "application/json"},
            timeout=SECONDS,
            trust_env=False,
        )
        return JsonResponse(answer.json(), status=answer.status_code)
    except (httpx.HTTPError, ValueError):
        # EIP-1193: 4900 is a provider that has lost every chain.
        error = {"code": 4900, "message": "The sandbox does not answer."}
        return JsonResponse({"error": error}, status=503)
