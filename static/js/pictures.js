// Uploading several pictures at once, three at a time, each with its own progress; what was refused
// says why and the rest goes on. Without this the form sends them together. Also: no more frames
// than a training takes, captions that were written for somebody, and one that is still being typed when
// the page goes away.

import { gettext } from "./app.js";

const AT_ONCE = 3;
const WAITING = [];
let underWay = 0;
let refreshing = 0;

// --- Uploads --------------------------------------------------------------------------------------
// <form data-upload data-dataset="/datasets/…" data-begin="/datasets" data-max-bytes="10000000"
// data-max-size="10 MB">. While data-dataset is empty there is no draft yet; the first upload begins
// one for all.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-upload] input[type=file]")) take(event.target);
});

function take(field) {
  add(field.form, [...field.files]);
  field.value = ""; // So that the same file can be chosen again.
}

for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    const zone = event.target.closest?.(".drop");
    if (!zone || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  });
}

document.addEventListener("dragleave", (event) => {
  const zone = event.target.closest?.(".drop");
  if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("over");
});

document.addEventListener("drop", (event) => {
  const zone = event.target.closest?.(".drop");
  if (!zone) return;
  event.preventDefault();
  zone.classList.remove("over");
  add(zone.closest("[data-upload]"), [...event.dataTransfer.files]);
});

function add(form, files) {
  const list = form.querySelector("[data-uploads]");
  list.hidden = !files.length && !list.childElementCount;
  for (const file of files) {
    const upload = { form, file, row: rowFor(file) };
    list.append(upload.row);
    WAITING.push(upload);
  }
  sendNext();
}

function rowFor(file) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", gettext("Upload of {name}", { name: file.name }));
  row.append(name, bar);
  return row;
}

async function sendNext() {
  while (underWay < AT_ONCE && WAITING.length) {
    underWay += 1;
    const upload = WAITING.shift();
    send(upload).finally(() => {
      underWay -= 1;
      sendNext();
    });
  }
}

async function send(upload) {
  const { form, file, row } = upload;
  if (file.size > Number(form.dataset.maxBytes)) {
    refuse(upload, gettext("This file is larger than {most}.", { most: form.dataset.maxSize }));
    return;
  }
  try {
    const dataset = await begun(form);
    const answer = await post(`${dataset}/pictures`, upload);
    if (answer.status === 201) {
      row.remove();
      if (!form.querySelector("[data-uploads]").childElementCount) {
        form.querySelector("[data-uploads]").hidden = true;
      }
      tell(form, gettext("{name} is uploaded.", { name: file.name }));
      refresh(dataset);
    } else {
      const words = answer.words ?? gettext("The server did not take this file.");
      refuse(upload, words, answer.status >= 500 || answer.status === 429);
    }
  } catch {
    refuse(upload, gettext("The connection was lost before this file arrived."), true);
  }
}

/** The address of the draft; of several uploads the first one begins it for all. */
async function begun(form) {
  if (form.dataset.dataset) return form.dataset.dataset;
  form.beginning ??= fetch(form.dataset.begin, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": token(form) },
  })
    .then(async (answer) => {
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      form.dataset.dataset = (await answer.json()).url;
      return form.dataset.dataset;
    })
    .finally(() => {
      form.beginning = null;
    });
  return form.beginning;
}

/** fetch() tells no progress of what is sent, XMLHttpRequest does. */
function post(url, { form, file, row }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token(form));
    request.upload.addEventListener("progress", (event) => {
      row.querySelector("progress").value = event.total ? (95 * event.loaded) / event.total : 0;
    });
    request.addEventListener("load", () => {
      let words = null;
      try {
        words = JSON.parse(request.responseText).error;
      } catch {
        // A proxy's page, or ours for something that broke: our own words are better.
      }
      resolve({ status: request.status, words });
    });
    request.addEventListener("error", reject);
    request.addEventListener("abort", reject);
    request.send(body);
  });
}

function refuse(upload, reason, mayTryAgain = false) {
  const { form, file, row } = upload;
  const words = document.createElement("span");
  words.className = "words";
  words.textContent = reason;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn quiet";
  button.textContent = mayTryAgain ? gettext("Try again") : gettext("Dismiss");
  button.addEventListener("click", () => {
    row.remove();
    if (mayTryAgain) add(form, [file]);
    else add(form, []);
  });
  row.querySelector("progress").replaceWith(button);
  row.append(words);
  tell(form, `${file.name}: ${reason}`);
}

function token(form) {
  return form.querySelector("[name=csrfmiddlewaretoken]").value;
}

function tell(form, words) {
  form.querySelector("[data-uploads-status]").textContent = words;
}

/** Show the sheet anew, once for all that arrives within a moment; other parts hear of it. */
function refresh(dataset) {
  clearTimeout(refreshing);
  refreshing = setTimeout(async () => {
    // As if the sheet asked: a choice that is made meanwhile takes its place, and brings all frames.
    const sheet = document.getElementById("sheet");
    await htmx.ajax("GET", `${dataset}/progress`, { source: sheet, target: sheet, swap: "outerMorph" });
    document.body.dispatchEvent(
      new CustomEvent("pictures-changed", { bubbles: true, detail: { dataset } }),
    );
  }, 150);
}

// --- No more frames than fit ----------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const sheet = event.target.closest(".pick[data-most]");
  if (!sheet) return;
  const frames = [...sheet.querySelectorAll("input[type=checkbox]")];
  const isFull = frames.filter((frame) => frame.checked).length >= Number(sheet.dataset.most);
  for (const frame of frames) {
    // What is off for a reason of its own stays off: only the limit's own doing is undone.
    if (isFull && !frame.checked && !frame.disabled) {
      frame.disabled = true;
      frame.dataset.over = "";
    } else if (!isFull && "over" in frame.dataset) {
      frame.disabled = false;
      delete frame.dataset.over;
    }
  }
});

// --- Dialogs that change pictures -----------------------------------------------------------------

document.addEventListener("pictures-changed", (event) => {
  // What is uploaded meanwhile says so at the body, and closes nothing.
  event.target.closest?.("dialog[data-editing]")?.close();
});

// --- Captions that were written for somebody ------------------------------------------------------
// A field is left alone by swaps, because somebody may be typing in it. <p data-written="…"> beside one
// has what it says now, for a field that is empty and that nobody has typed in on this page.

document.addEventListener("htmx:after:swap", () => {
  for (const mark of document.querySelectorAll(".caps [data-written]")) {
    const field = mark.closest("li").querySelector("textarea");
    if (field.value || "typed" in field.dataset) continue;
    field.defaultValue = field.value = mark.dataset.written;
  }
});

document.addEventListener("input", (event) => {
  if (!event.target.matches(".caps textarea[hx-post]")) return;
  event.target.dataset.typed = "";
  event.target.closest("li").querySelector("[data-written]")?.remove();
});

// --- Captions that are still being typed ----------------------------------------------------------

addEventListener("pagehide", () => {
  const typing = document.activeElement;
  if (!typing?.matches?.(".caps textarea[hx-post]") || typing.value === typing.defaultValue) return;
  const body = new FormData(typing.form);
  fetch(typing.getAttribute("hx-post"), { method: "POST", body, keepalive: true });
});

// What was chosen before this script arrived.
for (const field of document.querySelectorAll("[data-upload] input[type=file]")) {
  if (field.files.length) take(field);
}
