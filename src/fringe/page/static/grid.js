// A grid of thumbnails. Only visible rows are elements of the page.

import { element } from "fringe/dom";

const SPARE_ROWS = 2;
const GAP = 6;
const CAPTION = 24; // pixels of the caption's line, and of the strip in the group's colour

/**
 * Make a grid in a box that scrolls.
 *
 * `label(image)` returns the image's label for screen readers, `caption(image)` the short text below
 * the thumbnail, and `group(image)` the number of the image's group. `draw(canvas, image)` draws the
 * thumbnail. `open(place)` is called when a thumbnail is chosen.
 */
export function makeGrid({ title, label, caption, group, draw, open }) {
  const space = element("div", { class: "grid-space", role: "presentation" });
  const box = element("div", { class: "grid", role: "grid", "aria-label": title }, space);
  const rows = new Map();
  let images = [];
  let columns = 1;
  let wanted = 88; // the smallest width of a thumbnail
  let size = wanted; // the width with which the columns fill the box
  let active = 0;

  const step = () => size + CAPTION + GAP;
  const rowCount = () => Math.ceil(images.length / columns);

  function tile(place) {
    const image = images[place];
    const canvas = element("canvas", { "aria-hidden": "true" });
    canvas.width = canvas.height = Math.round(size * Math.min(2, window.devicePixelRatio || 1));
    canvas.style.width = canvas.style.height = `${size}px`;
    draw(canvas, image);
    const made = element(
      "div",
      {
        class: `tile group-${group(image)}`,
        role: "gridcell",
        tabindex: place === active ? 0 : -1,
        "aria-colindex": (place % columns) + 1,
        "aria-label": label(image),
        "data-place": place,
        "data-image": image,
      },
      canvas,
      element("span", { class: "tile-caption", "aria-hidden": "true" }, caption(image)),
    );
    made.style.width = `${size}px`;
    return made;
  }

  function row(number) {
    const made = element("div", { class: "grid-row", role: "row", "aria-rowindex": number + 1 });
    made.style.transform = `translateY(${number * step()}px)`;
    const first = number * columns;
    const last = Math.min(images.length, first + columns);
    for (let place = first; place < last; place++) made.append(tile(place));
    return made;
  }

  /** Add visible rows to the page, and remove the other rows except the active row. */
  function update() {
    const first = Math.max(0, Math.floor(box.scrollTop / step()) - SPARE_ROWS);
    const last = Math.min(
      rowCount() - 1,
      Math.ceil((box.scrollTop + box.clientHeight) / step()) + SPARE_ROWS,
    );
    const kept = images.length ? Math.floor(active / columns) : -1;
    for (const [number, made] of rows) {
      if ((number < first || number > last) && number !== kept) {
        made.remove();
        rows.delete(number);
      }
    }
    const numbers = kept < 0 ? [] : [kept];
    for (let number = first; number <= last; number++) numbers.push(number);
    for (const number of numbers) {
      if (rows.has(number)) continue;
      const made = row(number);
      rows.set(number, made);
      // Screen readers read rows in the order of the elements.
      const next = [...space.children].find((one) => Number(one.ariaRowIndex) > number + 1);
      space.insertBefore(made, next ?? null);
    }
  }

  function rebuild() {
    columns = Math.max(1, Math.floor((box.clientWidth + GAP) / (wanted + GAP)));
    size = Math.max(1, Math.floor((box.clientWidth + GAP) / columns - GAP));
    for (const made of rows.values()) made.remove();
    rows.clear();
    space.style.height = `${Math.max(0, rowCount() * step() - GAP)}px`;
    box.setAttribute("aria-rowcount", rowCount());
    box.setAttribute("aria-colcount", columns);
    update();
  }

  function tileAt(place) {
    return space.querySelector(`[data-place="${place}"]`);
  }

  function activate(place, focus) {
    tileAt(active)?.setAttribute("tabindex", -1);
    active = Math.min(images.length - 1, Math.max(0, place));
    const top = Math.floor(active / columns) * step();
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + step() > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + step() - box.clientHeight;
    }
    update();
    const made = tileAt(active);
    made?.setAttribute("tabindex", 0);
    if (focus) made?.focus({ preventScroll: true });
  }

  function moved(event) {
    const page = columns * Math.max(1, Math.floor(box.clientHeight / step()) - 1);
    const begin = active - (active % columns);
    switch (event.key) {
      case "ArrowRight": return active + 1;
      case "ArrowLeft": return active - 1;
      case "ArrowDown": return active + columns < images.length ? active + columns : active;
      case "ArrowUp": return active >= columns ? active - columns : active;
      case "PageDown": return active + page;
      case "PageUp": return active - page;
      case "Home": return event.ctrlKey ? 0 : begin;
      case "End": return event.ctrlKey ? images.length - 1 : begin + columns - 1;
      default: return null;
    }
  }

  box.addEventListener("keydown", (event) => {
    if (!images.length || event.altKey || event.metaKey) return;
    const place = moved(event);
    if (place !== null) {
      event.preventDefault();
      activate(place, true);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(active);
    }
  });
  box.addEventListener("click", (event) => {
    const chosen = event.target.closest(".tile");
    if (!chosen) return;
    activate(Number(chosen.dataset.place), true);
    open(active);
  });
  box.addEventListener("scroll", update, { passive: true });

  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return update();
    width = box.clientWidth;
    const first = active;
    rebuild();
    if (width && images.length) activate(first, false);
  }).observe(box);

  return {
    box,
    /** Show these images, and scroll to the first image. */
    show(chosen) {
      images = chosen;
      active = 0;
      box.scrollTop = 0;
      rebuild();
    },
    /** Resize thumbnails to a width in pixels, or a little more. */
    resize(pixels) {
      wanted = pixels;
      rebuild();
      if (images.length) activate(active, false);
    },
    /** Make the thumbnail at a place active, and focus it. */
    focus(place) {
      activate(place, true);
    },
  };
}
