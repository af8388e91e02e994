// Drawing the part of a picture to train with. <div data-crop> holds the image and <span data-box>; the
// form around it has fields left, top, width and height in percent, which do the same without this.

const CORNER = 24; // CSS pixels around a corner of the box within which it is taken by that corner.
let drag = null;

function edges(area) {
  const { left, top, width, height } = area.closest("form").elements;
  const [x, y, w, h] = [left, top, width, height].map((field) => Number(field.value) || 0);
  return { left: x, top: y, right: x + w, bottom: y + h };
}

function show(area) {
  const { left, top, right, bottom } = edges(area);
  const box = area.querySelector("[data-box]");
  box.hidden = false;
  box.style.inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
}

function write(area, { left, top, right, bottom }) {
  const fields = area.closest("form").elements;
  fields.left.value = left.toFixed(1);
  fields.top.value = top.toFixed(1);
  fields.width.value = (right - left).toFixed(1);
  fields.height.value = (bottom - top).toFixed(1);
  show(area);
}

const within = (value) => Math.min(100, Math.max(0, value));

/** Where the pointer is, in percent of the image, and how much of that a corner's reach is. */
function place(area, event) {
  const { left, top, width, height } = area.getBoundingClientRect();
  return {
    x: within((100 * (event.clientX - left)) / width),
    y: within((100 * (event.clientY - top)) / height),
    reach: { x: (100 * CORNER) / width, y: (100 * CORNER) / height },
  };
}

document.addEventListener("pointerdown", (event) => {
  const area = event.target.closest("[data-crop]");
  if (!area || event.button) return;
  event.preventDefault();
  area.setPointerCapture(event.pointerId);
  const { x, y, reach } = place(area, event);
  const box = edges(area);
  const isWhole = box.right - box.left >= 99.9 && box.bottom - box.top >= 99.9;
  const side = ["left", "right"].find((edge) => Math.abs(x - box[edge]) <= reach.x);
  const end = ["top", "bottom"].find((edge) => Math.abs(y - box[edge]) <= reach.y);
  const isInside = x > box.left && x < box.right && y > box.top && y < box.bottom;
  if (side && end) {
    // The opposite corner stays where it is.
    drag = { from: { x: side === "left" ? box.right : box.left, y: end === "top" ? box.bottom : box.top } };
  } else {
    drag = isInside && !isWhole ? { box, x, y } : { from: { x, y } };
  }
  drag.area = area;
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const { x, y } = place(drag.area, event);
  if (drag.from) {
    const { from } = drag;
    write(drag.area, {
      left: Math.min(from.x, x), right: Math.max(from.x, x), top: Math.min(from.y, y), bottom: Math.max(from.y, y),
    });
    return;
  }
  const { box } = drag;
  const right = Math.min(100 - box.right, Math.max(-box.left, x - drag.x));
  const down = Math.min(100 - box.bottom, Math.max(-box.top, y - drag.y));
  write(drag.area, {
    left: box.left + right, right: box.right + right, top: box.top + down, bottom: box.bottom + down,
  });
});

for (const type of ["pointerup", "pointercancel"]) {
  document.addEventListener(type, () => {
    drag = null;
  });
}

document.addEventListener("input", (event) => {
  const area = event.target.form?.querySelector("[data-crop]");
  if (area) show(area);
});

const showAll = () => document.querySelectorAll("[data-crop]").forEach(show);
document.addEventListener("htmx:after:swap", showAll);
showAll();
