// <pay-quote>: asks the wallet for one plain transfer, whose words are the server's, and tells the
// server its hash. A hash that could not be told yet is kept until it is.

import { gettext } from "./app.js";
import { accountOf, chainName, chainOf, ensureChain, explain, isRemembered, requestAccount, wallets, Words } from "./wallet.js";

const PATIENCE_SECONDS = 180; // After this long a wallet's window may have been closed without an answer.
const HINT_SECONDS = 20;
const LONGEST_PAUSE_SECONDS = 30;
const KEPT = "payment:";

const shorten = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;
const pause = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000));

// --- Hashes that the server does not know yet -----------------------------------------------------

const memory = new Map(); // For browsers that forbid storage.

function keep(url, hash) {
  memory.set(KEPT + url, hash);
  try {
    localStorage.setItem(KEPT + url, hash);
  } catch {
    // See above.
  }
}

function forget(url) {
  memory.delete(KEPT + url);
  try {
    localStorage.removeItem(KEPT + url);
  } catch {
    // See above.
  }
}

function kept() {
  const all = new Map(memory);
  try {
    for (const [key, hash] of Object.entries(localStorage)) if (key.startsWith(KEPT)) all.set(key, hash);
  } catch {
    // See above.
  }
  return new Map([...all].map(([key, hash]) => [key.slice(KEPT.length), hash]));
}

const AWAY = [403, 404]; // Signed out meanwhile, or signed in with another wallet.

/** Tell the server a hash; says whether it has it now. Throws its refusal, or why it is kept. */
async function tell(url, hash, token) {
  let response;
  try {
    const headers = { "X-CSRFToken": token, "HX-Request": "true" };
    response = await fetch(url, { method: "POST", headers, body: new URLSearchParams({ hash }) });
  } catch {
    return false;
  }
  if (response.status >= 500) return false;
  if (response.redirected || AWAY.includes(response.status)) {
    throw new Words(gettext("Your payment is on its way. Sign in with the wallet that paid, and it is counted."));
  }
  forget(url);
  if (response.ok) return true;
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  throw new Words(answer.querySelector("strong")?.textContent ?? gettext("The server did not take the transaction."));
}

// --- The panel ------------------------------------------------------------------------------------

class PayQuote extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => event.target.closest("[data-pay]") && this.pay());
    this.addEventListener("htmx:before:request", (event) => {
      // A poll would take the words away that the owner is reading.
      if (this.isBusy && event.detail.ctx.sourceElement === this) event.preventDefault();
    });
    this.clock = setInterval(() => this.tick(), 1000);
    this.tick();
    this.tellAgain();
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    clearTimeout(this.hint);
  }

  part(name) {
    return this.querySelector(`[data-${name}]`);
  }

  /** Say what is waited for; "" when it is over. A wallet's window may be out of sight. */
  say(text, { isWallet = false } = {}) {
    clearTimeout(this.hint);
    const status = this.part("status");
    status.textContent = text;
    status.hidden = !text;
    this.isBusy = Boolean(text);
    // Not disabled: the button that was clicked would lose the focus.
    this.part("pay")?.setAttribute("aria-busy", String(this.isBusy));
    if (!isWallet) return;
    this.hint = setTimeout(() => {
      status.textContent = `${text} ${gettext("It has not answered yet: its window may be behind this one.")}`;
    }, HINT_SECONDS * 1000);
  }

  complain(text) {
    const problem = this.part("problem");
    problem.textContent = text;
    problem.hidden = !text;
  }

  look() {
    this.dispatchEvent(new Event("look-again"));
  }

  tick() {
    const { secondsLeft } = this.dataset;
    if (this.told !== secondsLeft) {
      this.told = secondsLeft;
      this.endsAt = performance.now() + secondsLeft * 1000;
    }
    const countdown = this.part("countdown");
    if (!countdown) return;
    const left = Math.max(0, Math.ceil((this.endsAt - performance.now()) / 1000));
    countdown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left || this.asked === this.told) return;
    this.asked = this.told;
    this.look();
  }

  async pay() {
    const url = this.dataset.sentUrl;
    if (this.isBusy) return;
    this.complain("");
    try {
      // Whatever was sent already must be told before anything is sent again.
      const hash = kept().get(url) ?? (await this.send());
      keep(url, hash);
      await this.tellUntilKnown(url, hash);
    } catch (error) {
      this.complain(words(error));
    }
    this.say("");
    this.look();
  }

  /** Let the owner send the transfer; returns its hash. Throws what the wallet throws, or `Words`. */
  async send() {
    const { from, to, value, sentUrl } = this.dataset;
    const chainId = Number(this.dataset.chainId);
    this.say(gettext("Open your wallet."), { isWallet: true });
    const provider = await this.provider();
    if ((await chainOf(provider)) !== chainId) {
      const chain = chainName(chainId);
      this.say(gettext("Switch network: your wallet asks to go to {chain}.", { chain }), { isWallet: true });
      await ensureChain(provider, chainId);
    }
    this.say(gettext("Confirm in wallet: it shows the amount and asks you."), { isWallet: true });
    const transfer = { from, to, value, chainId: `0x${chainId.toString(16)}` };
    const sending = provider.request({ method: "eth_sendTransaction", params: [transfer] }).then(readHash);
    let isLate = false;
    // The owner may confirm after we have stopped waiting: that payment is told, too.
    sending.then((hash) => isLate && this.tellLate(sentUrl, hash)).catch(() => {});
    const late = pause(PATIENCE_SECONDS).then(() => {
      isLate = true;
      throw new Words(
        gettext("Your wallet has not answered. Make sure that its window is closed before you try again."),
      );
    });
    return Promise.race([sending, late]);
  }

  tellLate(url, hash) {
    keep(url, hash);
    this.tellAgain();
  }

  /** The wallet that signed in here, when it shows the account that is signed in. */
  async provider() {
    const here = wallets();
    const wallet = here.find(isRemembered) ?? (here.length === 1 ? here[0] : undefined);
    if (!here.length) {
      const words = gettext("No wallet was found in this browser. You can send the exact amount by hand: we find it.");
      throw new Words(words);
    }
    if (!wallet) {
      throw new Words(gettext("Several wallets are here. Connect again with the one that you want to pay with."));
    }
    const mine = this.dataset.from;
    const account = (await accountOf(wallet.provider)) ?? (await requestAccount(wallet.provider));
    if (account.toLowerCase() === mine.toLowerCase()) return wallet.provider;
    throw new Words(
      gettext("You are signed in as {mine}, your wallet shows {shown}. Choose the first one in your wallet.", {
        mine: shorten(mine),
        shown: shorten(account),
      }),
    );
  }

  async tellUntilKnown(url, hash) {
    for (let seconds = 1; this.isConnected; seconds = Math.min(seconds * 2, LONGEST_PAUSE_SECONDS)) {
      this.say(gettext("Sent. Telling the server."));
      if (await tell(url, hash, this.token)) return;
      await pause(seconds);
    }
  }

  get token() {
    return this.querySelector("[name=csrfmiddlewaretoken]").value;
  }

  /** Tell what an earlier page could not: its tab was closed, or the server was away. */
  async tellAgain() {
    const { sentUrl } = this.dataset;
    for (const [url, hash] of kept()) if (url !== sentUrl) tell(url, hash, this.token).catch(() => {});
    if (kept().has(sentUrl)) await this.pay();
  }
}

function readHash(hash) {
  if (typeof hash === "string" && /^0x[0-9a-f]{64}$/i.test(hash)) return hash;
  throw new Words(gettext("Your wallet named no transaction. If it has sent one, we find it on the chain."));
}

function words(error) {
  const code = error?.data?.originalError?.code ?? error?.code;
  const message = `${error?.message} ${error?.data?.message} ${error?.data?.originalError?.message}`;
  if (/insufficient funds/i.test(message)) {
    return gettext("Not enough ETH on Base for the price plus the network fee.");
  }
  if (code === 4200) {
    return gettext("This wallet cannot send payments from websites. Send the exact amount by hand: we find it.");
  }
  return explain(error);
}

customElements.define("pay-quote", PayQuote);
