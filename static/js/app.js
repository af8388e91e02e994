// What the pages do beyond links and forms. Behaviour hangs on attributes and is found when an event
// bubbles up, so that fragments which arrive later need no setting up. Nothing here is needed for
// reading.

// --- Words ----------------------------------------------------------------------------------------

/**
 * The English words in the language of the page, with what `facts` has under a name for `{name}`.
 * Pages in another language load a script before this one that sets `globalThis.words`.
 */
export function gettext(english, facts = {}) {
  const words = globalThis.words?.[english] ?? english;
  return words.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

// --- Regions --------------------------------------------------------------------------------------

const modal = document.getElementById("modal");
const toasts = document.getElementById("toasts");
const announcer = document.getElementById("say");

/** A modal dialog makes everything outside it inert, a live region too: bring it into the top one. */
function within(region) {
  const host = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  if (region.parentElement !== host) host.append(region);
  return region;
}

/** Tell a screen reader, and nobody else. */
function say(text) {
  within(announcer).textContent = text;
}

// --- Toasts ---------------------------------------------------------------------------------------

const TOAST_MS = 7000;

/** Show a line for a while: `{text, href, label}`; href and label make a link behind the text. */
function toast({ text, href, label }) {
  const line = document.createElement("p");
  line.className = "toast";
  line.append(text);
  if (href && label) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = label;
    line.append(link);
  }
  while (toasts.childElementCount > 2) toasts.firstElementChild.remove();
  within(toasts).append(line);
  const leave = () => {
    if (line.matches(":hover, :focus-within")) setTimeout(leave, TOAST_MS);
    else line.remove();
  };
  setTimeout(leave, TOAST_MS);
}

document.addEventListener("toast", (event) => toast(event.detail));

// --- Dialogs --------------------------------------------------------------------------------------
// A link with hx-target="#modal" gets a <dialog>. It is opened, and thrown away when it closes.
// What closes it is [data-close]: a button, or a link to the page behind it.

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("[data-close]")?.closest("dialog");
  if (!dialog?.matches(":modal")) return;
  event.preventDefault();
  dialog.close();
});

let opener = null; // Safari gives no focus to what is clicked, so the browser cannot give it back.

document.addEventListener("htmx:before:request", (event) => {
  if (!unasked(event.detail.ctx)) opener = event.detail.ctx.sourceElement;
});

new MutationObserver(() => {
  for (const dialog of modal.querySelectorAll("dialog:not([open])")) {
    const opened = opener;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      dialog.remove();
      for (const region of [toasts, announcer]) if (!region.isConnected) document.body.append(region);
      if (opened?.isConnected) opened.focus();
    });
  }
}).observe(modal, { childList: true });

// --- Copying --------------------------------------------------------------------------------------
// <button data-copy="text">: with an icon and a <span> for the words.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const field = button.parentElement.querySelector("input[readonly]");
    if (field) field.select();
    toast({ text: field ? gettext("Press Ctrl+C or ⌘C to copy it.") : button.dataset.copy });
    return;
  }
  if (!button.classList.contains("done")) showCopied(button);
  say(gettext("Copied"));
});

function showCopied(button) {
  const words = button.querySelector("span");
  const icon = button.querySelector("use");
  const [before, symbol] = [words?.textContent, icon?.getAttribute("href")];
  button.classList.add("done");
  if (words) words.textContent = gettext("Copied");
  icon?.setAttribute("href", symbol.replace(/#.*/, "#ok"));
  setTimeout(() => {
    button.classList.remove("done");
    if (words) words.textContent = before;
    icon?.setAttribute("href", symbol);
  }, 2000);
}

// --- Fields that show their value -----------------------------------------------------------------

document.addEventListener("input", (event) => {
  const range = event.target.closest(".range input");
  if (!range) return;
  const share = Math.round(((range.value - range.min) / (range.max - range.min)) * 100);
  range.className = `p-${share}`;
  const output = range.parentElement.querySelector("output");
  output.value = `${Number(range.value).toLocaleString(document.documentElement.lang)} ${output.dataset.unit}`;
});

document.addEventListener("change", (event) => {
  const sheet = event.target.closest(".pick");
  const count = sheet?.querySelector("[data-chosen]");
  if (!count) return;
  const frames = [...sheet.querySelectorAll("input[type=checkbox]")];
  const chosen = frames.filter((frame) => frame.checked).length;
  count.textContent = gettext("{chosen} of {all} chosen", { chosen, all: frames.length });
});

// --- htmx -----------------------------------------------------------------------------------------
// Requests that nobody asked for (polls, the account corner) fail in silence and come again.

function unasked(ctx) {
  return ["every", "load"].includes(ctx?.sourceEvent?.type);
}

document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
});

document.addEventListener("htmx:error", (event) => {
  if (unasked(event.detail.ctx)) return;
  toast({ text: gettext("The server did not answer. Check your connection and try again.") });
});

document.addEventListener("htmx:finally:request", (event) => {
  const { ctx } = event.detail;
  // A form that shows its errors itself says so with hx-status:5xx.
  if (ctx.response?.status >= 500 && ctx.swap === "none" && !unasked(ctx)) {
    toast({ text: gettext("That did not work: something broke on our side. Try again in a moment.") });
  }
});

// --- Lists that go on -----------------------------------------------------------------------------
// <li data-more>: a link in it fetches what comes instead of it. The focus goes on to the first of that.

let last = null;

document.addEventListener("htmx:before:swap", (event) => {
  last = event.detail.ctx.sourceElement?.closest("[data-more]")?.previousElementSibling ?? null;
});

document.addEventListener("htmx:after:swap", () => {
  last?.nextElementSibling?.querySelector("a[href]")?.focus({ preventScroll: true });
  last = null;
});
