// Wallets in the browser: which are here (EIP-6963), what they are asked (EIP-1193), and what their
// errors mean. Fetched only where a wallet is needed.

import { gettext } from "./app.js";

const ETHER = { name: "Ether", symbol: "ETH", decimals: 18 };
/** What a wallet that does not know a chain must be told (docs.base.org, "connecting to Base"). */
const CHAINS = {
  8453: {
    chainName: "Base",
    nativeCurrency: ETHER,
    rpcUrls: ["https://mainnet.base.org"],
    blockExplorerUrls: ["https://basescan.org"],
  },
  84532: {
    chainName: "Base Sepolia",
    nativeCurrency: ETHER,
    rpcUrls: ["https://sepolia.base.org"],
    blockExplorerUrls: ["https://sepolia.basescan.org"],
  },
};

const SILENT_SECONDS = 5; // For questions that a wallet answers without its owner.
const OWNER_SECONDS = 290; // A text to sign lives five minutes.

// --- Which wallets are here -----------------------------------------------------------------------

const MOST_WALLETS = 40;
const MOST_ICON = 64 * 1024;
const announced = new Map();
const changes = new EventTarget();

/** Call `heard` whenever another wallet has announced itself; returns what ends that. */
export function onWallets(heard) {
  changes.addEventListener("wallets", heard);
  return () => changes.removeEventListener("wallets", heard);
}

addEventListener("eip6963:announceProvider", (event) => {
  try {
    add(event.detail.info, event.detail.provider);
  } catch {
    // Any script may announce anything; one that cannot even be read is not a wallet.
  }
});
dispatchEvent(new Event("eip6963:requestProvider"));

function add({ uuid, rdns, name, icon }, provider) {
  const key = [rdns, uuid].find((text) => typeof text === "string" && text);
  if (!key || announced.has(key) || announced.size >= MOST_WALLETS) return;
  if (typeof provider.request !== "function") return;
  announced.set(key, {
    key,
    name: (typeof name === "string" && name.trim().slice(0, 60)) || gettext("A wallet without a name"),
    icon: typeof icon === "string" && /^data:image\//.test(icon) && icon.length <= MOST_ICON ? icon : "",
    provider,
  });
  changes.dispatchEvent(new Event("wallets"));
}

/** The wallets of this browser: those that announced themselves, or else `window.ethereum`. */
export function wallets() {
  if (announced.size) return [...announced.values()];
  try {
    const provider = globalThis.ethereum;
    if (typeof provider?.request !== "function") return [];
    return [{ key: "injected", name: gettext("Browser wallet"), icon: "", provider }];
  } catch {
    return [];
  }
}

const REMEMBERED = "wallet";

/** Whether this wallet was the last to sign in in this browser. */
export function isRemembered({ key }) {
  try {
    return localStorage.getItem(REMEMBERED) === key;
  } catch {
    return false; // Storage may be forbidden; then nothing is remembered.
  }
}

/** Keep in mind that this wallet has signed in. */
export function remember({ key }) {
  try {
    localStorage.setItem(REMEMBERED, key);
  } catch {
    // See above.
  }
}

// --- What a wallet is asked -----------------------------------------------------------------------

/** Something went wrong, in words for the person. */
export class Words extends Error {}

/** Ask a wallet; throws what it throws, or `Words` when it says nothing for so long. */
export async function ask(provider, method, params = [], seconds = OWNER_SECONDS) {
  let timer;
  const late = new Promise((_, reject) => {
    const words = gettext("Your wallet did not answer in time. Open it and try again.");
    timer = setTimeout(() => reject(new Words(words)), seconds * 1000);
  });
  try {
    return await Promise.race([provider.request({ method, params }), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The account that the wallet shows, without asking its owner; undefined while it is locked. */
export const accountOf = async (provider) => (await ask(provider, "eth_accounts", [], SILENT_SECONDS))?.[0];

/** The number of the wallet's chain. */
export const chainOf = async (provider) => Number(await ask(provider, "eth_chainId", [], SILENT_SECONDS));

/** Let the owner choose an account; throws what the wallet throws, or `Words`. */
export async function requestAccount(provider) {
  const accounts = await ask(provider, "eth_requestAccounts");
  if (typeof accounts?.[0] !== "string") throw new Words(gettext("The wallet named no account."));
  return accounts[0];
}

/** Let the owner sign a text (EIP-191); throws what the wallet throws, or `Words`. */
export function sign(provider, text, address) {
  const bytes = [...new TextEncoder().encode(text)];
  const hex = `0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return ask(provider, "personal_sign", [hex, address]);
}

/** Bring the wallet to a chain (8453 is Base); throws what the wallet throws, or `Words`. */
export async function ensureChain(provider, chainId) {
  if ((await chainOf(provider)) === chainId) return;
  const chain = { chainId: `0x${chainId.toString(16)}` };
  try {
    await ask(provider, "wallet_switchEthereumChain", [chain]);
  } catch (error) {
    if (codeOf(error) !== 4902) throw error;
    await ask(provider, "wallet_addEthereumChain", [{ ...chain, ...CHAINS[chainId] }]);
    await ask(provider, "wallet_switchEthereumChain", [chain]);
  }
  if ((await chainOf(provider)) !== chainId) {
    throw new Words(gettext("Your wallet is still not on {chain}.", { chain: chainName(chainId) }));
  }
}

/** What people call a chain. */
export const chainName = (chainId) =>
  CHAINS[chainId]?.chainName ?? (chainId === 1 ? "Ethereum" : gettext("chain {number}", { number: chainId }));

// MetaMask on phones wraps the code of EIP-1193 into another error.
const codeOf = (error) => error?.data?.originalError?.code ?? error?.code;

const WORDS = new Map([
  [4001, gettext("You closed the wallet request. Nothing was charged.")],
  [4100, gettext("Your wallet has not given this page access. Allow it there and try again.")],
  [4200, gettext("This wallet cannot sign in to websites. Try another one.")],
  [4900, gettext("Your wallet has lost its connection. Check it and try again.")],
  [4901, gettext("Your wallet is not connected to Base. Switch it and try again.")],
  [4902, gettext("Your wallet does not know Base yet. Add it there and try again.")],
  [-32002, gettext("Your wallet already has a request open. Open it to continue.")],
]);

/** What to tell the person about an error of a wallet (EIP-1193, EIP-1474) or of ours. */
export function explain(error) {
  if (error instanceof Words) return error.message;
  return WORDS.get(codeOf(error)) ?? gettext("The wallet did not answer as it should. Try again.");
}
