// The generate dialog beyond its form: how long the prompt is, and what the chosen settings mean. Its
// words come from the server, so they are in the language of the page.

const QUIET_MS = 1000;
let speaking = 0;

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-generate]");
  if (!form) return;
  if (event.target.name === "prompt") count(form, event.target);
  else describe(form);
});

/** Show the length of the prompt; tell it to a screen reader when the typing pauses near the end. */
function count(form, field) {
  const counter = form.querySelector("[data-counts]");
  const most = Number(counter.dataset.counts);
  const length = [...field.value.trim()].length;
  counter.textContent = `${length} / ${most}`;
  counter.classList.toggle("over", length > most);
  clearTimeout(speaking);
  if (length < most - 50) return;
  speaking = setTimeout(() => {
    form.querySelector("[data-counted]").textContent = `${length} / ${most} ${counter.dataset.words}`;
  }, QUIET_MS);
}

/** Let the button and the line below it say what is chosen now. */
function describe(form) {
  const chosen = new FormData(form);
  const labels = JSON.parse(form.querySelector("script[type='application/json']").textContent);
  const [button, images] = labels[Number(chosen.get("images_asked")) - 1] ?? labels.at(-1);
  const either = (choice, other) => (choice === "other" ? other : choice);
  const shown = {
    button,
    images,
    size: either(chosen.get("size"), `${chosen.get("width")}x${chosen.get("height")}`).replace("x", " × "),
    steps: chosen.get("inference_steps"),
    scale: either(chosen.get("strength"), chosen.get("scale")),
  };
  for (const [name, words] of Object.entries(shown)) {
    const place = form.querySelector(`[data-shows="${name}"]`);
    if (place && words) place.textContent = words;
  }
}

// What was typed and chosen before this script arrived.
for (const form of document.querySelectorAll("form[data-generate]")) {
  count(form, form.elements.prompt);
  describe(form);
}
