// The table of classes; it can be sorted, and a click on a class filters the images.

import { element, unseen } from "fringe/dom";
import { topClass } from "fringe/data";
import { percent, signed } from "fringe/format";

const MORE = 25;
const EXAMPLES = 3;
const THUMBNAIL = 36;

/** Return example images of each class: the most probable image of each group, by group. */
export function examples(data) {
  const best = data.classTable.names.map(() => new Map());
  const likely = (n) => data.probabilities?.values[n * data.probabilities.width] ?? 0;
  for (let n = 0; n < data.count; n++) {
    const place = topClass(data, n);
    if (place < 0) continue;
    const known = best[place].get(data.group[n]);
    if (known === undefined || likely(n) > likely(known)) best[place].set(data.group[n], n);
  }
  return best.map((found) =>
    [...found].sort((a, b) => a[0] - b[0]).slice(0, EXAMPLES).map(([, image]) => image),
  );
}

/** Return the columns of numbers: a title, the value of a class, and the text of a value. */
function columnsOf(data) {
  const { shares, contributions } = data.classTable;
  const titles = ["Real", ...data.models];
  const found = titles.map((title, n) => ({
    title,
    value: (place) => shares.values[place * shares.width + n],
    text: (value) => percent(value),
  }));
  if (contributions.some(Number.isFinite)) {
    found.push({ title: "Part of the difference", value: (place) => contributions[place], text: signed });
  }
  return found;
}

/** Make the table. `choose(place)` is called with the clicked class, or null. */
export function makeClasses(data, draw, choose) {
  const columns = columnsOf(data);
  const shown = data.classTable.names.map((_, place) => place);
  const pictures = examples(data);
  const last = columns.length - 1;
  // Sort by the size of the part in the difference; without a difference, by the real share.
  const explains = columns[last].title === "Part of the difference";
  let sorted = { column: explains ? last : 0, largestFirst: true, size: explains };
  let text = "";
  let chosen = null;
  let limit = MORE;

  const heads = [
    { title: "Class", column: -1 },
    ...columns.map(({ title }, column) => ({ title, column })),
  ].map(({ title, column }) => {
    const button = element("button", { type: "button" }, title);
    button.addEventListener("click", () => {
      const again = sorted.column === column && !sorted.size;
      sorted = { column, largestFirst: again ? !sorted.largestFirst : column >= 0, size: false };
      limit = MORE;
      update();
    });
    return { column, cell: element("th", { scope: "col" }, button) };
  });
  const examplesHead = element("th", { scope: "col" }, "Examples");
  const body = element("tbody");
  const caption = element("caption", {});
  const more = element("button", { type: "button", class: "more-classes" });
  more.addEventListener("click", () => {
    limit += 4 * MORE;
    update();
  });
  const box = element(
    "div",
    { class: "classes" },
    element(
      "div",
      { class: "table tall", tabindex: 0, role: "region", "aria-label": "Classes" },
      element(
        "table",
        {},
        caption,
        element(
          "thead",
          {},
          element("tr", {}, heads[0].cell, examplesHead, ...heads.slice(1).map(({ cell }) => cell)),
        ),
        body,
      ),
    ),
    more,
  );

  function compare(a, b) {
    if (sorted.column < 0) {
      const order = data.classTable.names[a].localeCompare(data.classTable.names[b], "en");
      return (sorted.largestFirst ? -order : order) || a - b;
    }
    let [one, other] = [a, b].map((place) => columns[sorted.column].value(place));
    if (sorted.size) [one, other] = [Math.abs(one), Math.abs(other)];
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
    return (sorted.largestFirst ? other - one : one - other) || a - b;
  }

  function row(place) {
    const name = data.classTable.names[place];
    const button = element("button", { type: "button", "aria-pressed": place === chosen }, name);
    button.addEventListener("click", () => choose(place === chosen ? null : place));
    const thumbs = pictures[place].map((image) => {
      const canvas = element("canvas", { role: "img", "aria-label": data.groups[data.group[image]] });
      canvas.width = canvas.height = 2 * THUMBNAIL;
      canvas.title = data.groups[data.group[image]];
      draw(canvas, image);
      return canvas;
    });
    return element(
      "tr",
      { "data-class": place, class: place === chosen ? "chosen" : null },
      element("th", { scope: "row" }, button),
      element("td", { class: "thumbs" }, ...(thumbs.length ? thumbs : [unseen("none shown")])),
      ...columns.map(({ value, text: write }) =>
        element("td", { "data-value": value(place) }, write(value(place))),
      ),
    );
  }

  function update() {
    for (const { column, cell } of heads) {
      const here = column === sorted.column && !sorted.size;
      if (here) cell.setAttribute("aria-sort", sorted.largestFirst ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const wanted = text.trim().toLowerCase();
    const found = shown
      .filter((place) => data.classTable.names[place].toLowerCase().includes(wanted))
      .sort(compare);
    body.replaceChildren(...found.slice(0, limit).map(row));
    caption.textContent =
      found.length === shown.length
        ? `${shown.length} classes. Click a class to see only its images.`
        : `${found.length} of ${shown.length} classes. Click a class to see only its images.`;
    more.hidden = found.length <= limit;
    more.textContent = `Show ${Math.min(4 * MORE, found.length - limit)} more classes`;
  }

  update();
  return {
    box,
    /** Show the classes whose names contain a text, and mark the chosen class. */
    show(filterText, cls) {
      text = filterText;
      chosen = cls;
      const focused = body.contains(document.activeElement)
        ? document.activeElement.closest("tr")?.dataset.class
        : undefined;
      update();
      if (focused !== undefined) body.querySelector(`[data-class="${focused}"] button`)?.focus();
    },
  };
}
