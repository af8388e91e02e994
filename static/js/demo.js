// The demo wallet: one more wallet in the list (EIP-6963) for whoever has none. Its keys lie in the
// sandbox, on whose chain nothing is worth anything; no other installation has a <demo-wallet>.

import { gettext } from "./app.js";

const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><path fill="#0b0a09" d="M0 0h28v28H0z"/><path fill="#ffb224" d="M6 8h16v12H6z"/><path fill="#0b0a09" d="M16 12h6v4h-6z"/></svg>',
  );
const INFO = Object.freeze({
  uuid: "6f3f5b0e-52a5-4a6b-8a3d-0c4e3f2d1b5a",
  name: gettext("Demo wallet"),
  icon: ICON,
  rdns: "sandbox.demo",
});
const CHOSEN = "demo-wallet-account";

const listeners = new Map();
let url = "";
let choosers = 0;
let known; // A promise of what the sandbox says: {accounts: [{name, address}, …]}.

function accounts() {
  known ??= fetch(url).then(read);
  known.catch(() => (known = undefined)); // Next time it may be there.
  return known.then((answer) => answer.accounts);
}

async function read(response) {
  const answer = await response.json();
  if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  return answer;
}

/** The address that was chosen here or in another tab, if the sandbox has it; else its first. */
async function chosen() {
  const all = await accounts();
  const kept = localStorage.getItem(CHOSEN);
  return (all.find(({ address }) => address === kept) ?? all[0]).address;
}

const provider = Object.freeze({
  async request({ method, params = [] }) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ method, params, account: await chosen() }),
    });
    return (await read(response)).result;
  },
  on(event, heard) {
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(heard);
  },
  removeListener: (event, heard) => listeners.get(event)?.delete(heard),
});

async function tellAccount() {
  const address = await chosen();
  for (const heard of listeners.get("accountsChanged") ?? []) heard([address]);
}

// Another tab has chosen.
addEventListener("storage", (event) => {
  if (event.key === CHOSEN) tellAccount();
});

/** Lets people switch the account, as a wallet's own window would. */
class DemoWallet extends HTMLElement {
  async connectedCallback() {
    url = this.dataset.demoWallet;
    announce();
    if (this.hidden || this.childElementCount) return;
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.append(gettext("Account of the demo wallet"));
    label.htmlFor = select.id = `demo-account-${++choosers}`;
    select.addEventListener("change", () => {
      localStorage.setItem(CHOSEN, select.value);
      tellAccount();
    });
    try {
      const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;
      const options = (await accounts()).map(({ name, address }) => new Option(`${name} ${short(address)}`, address));
      select.append(...options);
      select.value = await chosen();
      this.append(label, select);
    } catch {
      this.textContent = gettext("The demo wallet is not there: the sandbox does not answer.");
    }
  }
}

function announce() {
  const detail = Object.freeze({ info: INFO, provider });
  dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
}

addEventListener("eip6963:requestProvider", () => url && announce());
customElements.define("demo-wallet", DemoWallet);
