// The generated images of a page, one at a time and as large as the window. Without this script each
// is a link to its file, and stays one for whoever wants it in a tab of its own.
//
// [data-slides] holds the links (a.frame); <dialog id="slides"> is in the page, in its language.

const dialog = document.getElementById("slides");
const picture = dialog.querySelector("[data-slide]");
const caption = dialog.querySelector("[data-caption]");
const count = dialog.querySelector("[data-count]");
const SWIPE = 40; // Pixels: less is a tap that slipped.

let at = 0;
let touched = null;

/** Asked anew each time: "Show older" brings more of them. */
const links = () => [...document.querySelectorAll("[data-slides] a.frame")];

function show(index) {
  const all = links();
  at = (index + all.length) % all.length;
  const image = all[at].querySelector("img");
  dialog.classList.add("loading");
  picture.src = all[at].href;
  picture.alt = image.alt;
  caption.textContent = image.alt;
  count.textContent = `${at + 1} / ${all.length}`;
  // The one before and the one behind are most likely next.
  for (const near of [at + 1, at - 1]) new Image().src = all.at(near % all.length).href;
}

picture.addEventListener("load", () => dialog.classList.remove("loading"));
picture.addEventListener("error", () => dialog.classList.remove("loading"));

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-slides] a.frame");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  show(links().indexOf(link));
  dialog.showModal();
});

dialog.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) show(at + Number(step.dataset.step));
  else if (event.target === dialog) dialog.close();
});

const KEYS = {
  ArrowRight: () => at + 1,
  ArrowLeft: () => at - 1,
  Home: () => 0,
  End: () => -1,
};

dialog.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(KEYS[event.key]());
});

dialog.addEventListener("pointerdown", (event) => {
  touched = event.isPrimary ? [event.clientX, event.clientY] : null;
});

dialog.addEventListener("pointerup", (event) => {
  if (!touched || event.pointerType === "mouse") return;
  const [x, y] = [event.clientX - touched[0], event.clientY - touched[1]];
  touched = null;
  if (Math.abs(x) > SWIPE && Math.abs(x) > Math.abs(y)) show(at + (x < 0 ? 1 : -1));
});

// Back where one has come to, not where one began.
dialog.addEventListener("close", () => {
  picture.removeAttribute("src");
  links()[at]?.focus();
});
