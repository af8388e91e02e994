"""Links that open one of our pages inside a wallet's own browser, on a phone."""

from __future__ import annotations

from urllib.parse import quote


def deep_links(url: str) -> list[tuple[str, str]]:
    """Return (name, link) for the wallets whose documentation names such a link; `url` is absolute.

    Sources: docs.metamask.io "use deeplinks", docs.cdp.coinbase.com "mobile dapp integration",
    developer.trustwallet.com "deeplinking", docs.phantom.com "browse", web3.okx.com "app universal
    link".
    """
    bare = url.partition("://")[2]
    encoded = quote(url, safe="")
    okx = quote(f"okx://wallet/dapp/url?dappUrl={encoded}", safe="")
    return [
        ("MetaMask", f"https://link.metamask.io/dapp/{bare}"),
        ("Base", f"https://go.cb-w.com/dapp?cb_url={encoded}"),
        ("Trust Wallet", f"https://link.trustwallet.com/open_url?coin_id=60&url={encoded}"),
        ("Phantom", f"https://phantom.app/ul/browse/{encoded}?ref={encoded}"),
        ("OKX Wallet", f"https://web3.okx.com/download?deeplink={okx}"),
    ]
