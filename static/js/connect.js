// Signing in (EIP-4361; the text is the server's), and noticing what the wallet does meanwhile.
// Two elements: <wallet-picker>, the list of wallets, and <wallet-watch>, the corner of a page whose
// person is signed in.

import { gettext } from "./app.js";
import {
  accountOf,
  chainName,
  chainOf,
  ensureChain,
  explain,
  isRemembered,
  onWallets,
  remember,
  requestAccount,
  sign,
  wallets,
  Words,
} from "./wallet.js";

const LOOK_SECONDS = 1; // Until then a wallet may still be starting.
const HINT_SECONDS = 20; // After this long a wallet's window may be hidden.

const shorten = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;
const isPhone = () => matchMedia("(pointer: coarse) and (hover: none)").matches;

// Elsewhere it is not even fetched: only the page of an installation with a sandbox asks for it.
if (document.querySelector("[data-demo-wallet]")) import("./demo.js");

async function post(url, token, fields) {
  let response;
  try {
    const headers = { "X-CSRFToken": token, Accept: "application/json" };
    response = await fetch(url, { method: "POST", headers, body: new URLSearchParams(fields) });
  } catch {
    throw new Words(gettext("The server did not answer. Check your connection and try again."));
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const stale = response.status === 403 && gettext("This page is out of date. Reload it and try again.");
  const words = answer.error || stale || gettext("Something broke on our side. Try again in a moment.");
  throw Object.assign(new Words(words), { status: response.status });
}

class WalletPicker extends HTMLElement {
  connectedCallback() {
    // A second dialog, asked for by something else on the page, has nothing to add to the first.
    if (document.querySelector("wallet-picker") !== this) {
      this.closest("dialog")?.remove();
      return;
    }
    this.isHere = true;
    this.stopListening = onWallets(() => this.list());
    this.look = setTimeout(() => {
      this.hasLooked = true;
      this.list();
    }, LOOK_SECONDS * 1000);
    this.list();
  }

  disconnectedCallback() {
    if (!this.isHere) return;
    this.isHere = false;
    clearTimeout(this.look);
    clearTimeout(this.hint);
    this.stopListening();
    hasBeenClosed = !this.isDone;
  }

  /** A dialog is closed a moment before its picker is taken out of the page. */
  get isOpen() {
    return this.isHere && (this.closest("dialog")?.open ?? true);
  }

  part(name) {
    return this.querySelector(`[data-${name}]`);
  }

  list() {
    const known = wallets();
    const list = this.part("wallets");
    // Those that are listed stay where they are: one of them may have the focus.
    const listed = new Map([...list.children].map((item) => [item.dataset.key, item]));
    for (const wallet of known) {
      if (listed.delete(wallet.key)) continue;
      if (isRemembered(wallet)) list.prepend(this.item(wallet));
      else list.append(this.item(wallet));
    }
    for (const gone of listed.values()) gone.remove();
    list.hidden = !known.length;
    const isMissing = Boolean(this.hasLooked) && !known.length;
    this.part("missing").hidden = !isMissing || isPhone();
    this.part("phone").hidden = !isMissing || !isPhone();
    if (isMissing && isPhone()) this.part("hand-over")?.dispatchEvent(new Event("needed"));
  }

  item(wallet) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn big";
    if (wallet.icon) {
      const icon = new Image(28, 28);
      icon.alt = "";
      icon.addEventListener("error", () => icon.remove());
      icon.src = wallet.icon;
      button.append(icon);
    }
    const name = document.createElement("bdi");
    name.textContent = wallet.name;
    button.append(name);
    if (isRemembered(wallet)) {
      const note = document.createElement("small");
      note.textContent = gettext("used last");
      button.append(" ", note);
    }
    button.addEventListener("click", () => this.isBusy || this.signIn(wallet));
    const item = document.createElement("li");
    item.dataset.key = wallet.key;
    item.append(button);
    return item;
  }

  /** Say what is going on, and after a while that the wallet may be waiting; "" when it is over. */
  say(text) {
    clearTimeout(this.hint);
    const status = this.part("status");
    status.textContent = text;
    status.hidden = !text;
    this.isBusy = Boolean(text);
    // Not disabled: the button that was clicked would lose the focus.
    for (const button of this.querySelectorAll("[data-wallets] button")) button.ariaDisabled = this.isBusy;
    if (!text) return;
    this.hint = setTimeout(() => {
      status.textContent = `${text} ${gettext("It has not answered yet: its window may be behind this one.")}`;
    }, HINT_SECONDS * 1000);
  }

  async signIn(wallet, { onChain = false } = {}) {
    const { name, provider } = wallet;
    const { challengeUrl, verifyUrl, next } = this.dataset;
    const chainId = Number(this.dataset.chainId);
    // Read at each use: what else arrives on the page may bring a newer one.
    const token = () => this.querySelector("[name=csrfmiddlewaretoken]").value;
    this.part("problem").hidden = true;
    try {
      this.say(gettext("Choose an account in {name}.", { name }));
      const address = await requestAccount(provider);
      if (onChain) await ensureChain(provider, chainId);
      if (!this.isOpen) return;
      const { id, text } = await post(challengeUrl, token(), { address });
      this.say(gettext("Sign the text in {name}.", { name }));
      const signature = await sign(provider, text, address);
      if (!this.isOpen) return; // Whoever closed the dialog does not want to be signed in.
      this.say(gettext("Signing you in."));
      const answer = await post(verifyUrl, token(), { challenge: id, signature, next });
      remember(wallet);
      this.done(answer, address);
    } catch (error) {
      if (this.isOpen) await this.fail(error, wallet, chainId);
    }
  }

  async fail(error, wallet, chainId) {
    this.say("");
    this.part("words").textContent = explain(error);
    this.part("problem").hidden = false;
    const button = this.part("switch");
    button.hidden = true;
    button.onclick = () => this.signIn(wallet, { onChain: true });
    if (error?.status !== 401) return;
    // A contract wallet signs for the chain that it is on; an ordinary account for all of them.
    const chain = await chainOf(wallet.provider).catch(() => chainId);
    button.hidden = chain === chainId;
  }

  /** Stay where we are if nobody was signed in on this very page: what it shows is still true. */
  done({ next, csrf_token: token }, address) {
    this.isDone = true;
    const dialog = this.closest("dialog:modal");
    const here = location.pathname + location.search + location.hash;
    if (next !== here) location.assign(next);
    else if (this.dataset.address || !dialog) location.reload();
    else {
      for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
      htmx.ajax("GET", this.dataset.accountUrl, "#account");
      dialog.close();
      document.dispatchEvent(new CustomEvent("signed-in", { detail: { address } }));
    }
  }
}

// Polls of somebody who is signed out ask for the dialog again and again; closing it once is enough.
let hasBeenClosed = false;

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const isPoll = ctx.sourceEvent?.type === "every";
  if (isPoll && hasBeenClosed && ctx.text?.includes("<wallet-picker")) event.preventDefault();
});

class WalletWatch extends HTMLElement {
  connectedCallback() {
    this.words = {};
    this.stopListening = onWallets(() => this.watch());
    this.watch();
  }

  disconnectedCallback() {
    this.stopListening();
    this.stopWatching?.();
  }

  /** Watch the wallet that signed in last in this browser, as soon as it is here. */
  async watch() {
    const provider = wallets().find(isRemembered)?.provider;
    if (!provider || this.stopWatching) return;
    let isTold = false;
    const heard = {
      accountsChanged: (accounts) => {
        isTold = true;
        this.showAccount(accounts?.[0]);
      },
      chainChanged: (chainId) => this.showChain(Number(chainId)),
      disconnect: () => this.showAccount(undefined),
    };
    this.stopWatching = () => {
      for (const [event, listener] of Object.entries(heard)) provider.removeListener?.(event, listener);
    };
    try {
      for (const [event, listener] of Object.entries(heard)) provider.on?.(event, listener);
      const account = await accountOf(provider);
      // On arrival a locked wallet is nothing to talk about; what it has told meanwhile is newer.
      if (account && !isTold) this.showAccount(account);
    } catch {
      // A wallet that cannot be watched can still be used.
    }
  }

  showAccount(account) {
    const { address } = this.dataset;
    const mine = shorten(address);
    if (typeof account !== "string") {
      const words = gettext("Your wallet is locked or has disconnected. You are still signed in as {mine}.", { mine });
      this.tell("account", words);
    } else if (account.toLowerCase() === address.toLowerCase()) {
      this.tell("account", "");
    } else {
      const shown = shorten(account);
      this.tell("account", gettext("Signed in as {mine}, your wallet shows {shown}.", { mine, shown }));
      this.link(gettext("Sign in as {shown}", { shown }));
    }
  }

  showChain(chainId) {
    const wanted = Number(this.dataset.chainId);
    const words = gettext("Your wallet is on {chain} now. Payments are made on {wanted}.", {
      chain: chainName(chainId),
      wanted: chainName(wanted),
    });
    this.tell("chain", chainId === wanted ? "" : words);
  }

  tell(about, words) {
    this.words[about] = words;
    const all = Object.values(this.words).filter(Boolean).join(" ");
    this.querySelector("[data-notice]").hidden = !all;
    this.querySelector("[data-words]").textContent = all;
    if (about === "account") this.link("");
  }

  link(words) {
    const link = this.querySelector("[data-sign-in]");
    link.hidden = !words;
    link.textContent = words;
  }
}

customElements.define("wallet-picker", WalletPicker);
customElements.define("wallet-watch", WalletWatch);
