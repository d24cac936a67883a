// A view of the explorer: its controls, the grid, the classes and the dialog.

import { makeClasses } from "fringe/classes";
import { explorerData, imageName, topClass } from "fringe/data";
import { choices, element, labelled } from "fringe/dom";
import { digits, signed, times, whole } from "fringe/format";
import { makeGrid } from "fringe/grid";
import { everything, orders, select } from "fringe/selection";
import { thumbnails } from "fringe/sprites";
import { makeViewer } from "fringe/viewer";

const SIZES = [["64", "small"], ["88", "medium"], ["128", "large"]];
const FIRST_SIZE = "88";

/** Return the short text below a thumbnail: the value by which the images are sorted. */
function captionOf(data, order, image) {
  const value = order.value(image);
  if (order.key === "index") return `${value}`;
  if (order.key === "weight") return Number.isNaN(value) ? data.groups[data.group[image]] : times(value);
  if (order.key === "class") return value < 0 ? "unknown" : data.classTable.names[value];
  return order.key === "nearest" ? digits(value) : signed(value);
}

function labelOf(data, order, image) {
  const place = topClass(data, image);
  const cls = place < 0 || order.key === "class" ? "" : `, ${data.classTable.names[place]}`;
  const value = order.key === "index" ? "" : `, ${order.title}: ${captionOf(data, order, image)}`;
  return `${imageName(data, image)}${cls}${value}`;
}

/** Return sentences that explain the numbers of a view. */
function meanings(data) {
  const weighted = data.weight.some(Number.isFinite);
  return [
    weighted &&
      "Optimized weight: how often the image is drawn with the weights that minimize FID, as a " +
        "multiple of equal weights. 0 means that the image is never drawn.",
    `Influence on FID: the change of a model's FID, to first order, if the image is added once to ` +
      `the model's images. A real image is added to the real images. A negative influence makes ` +
      `FID smaller, which is better.`,
    data.nearest.some(Number.isFinite) &&
      `Distance to the nearest real image: in the features of ${data.network}. A real image is ` +
        `compared with all other real images.`,
    data.classTable &&
      data.classTable.contributions.some(Number.isFinite) &&
      `Part of the difference: the part of the difference of FID, ${data.models.at(-1)} minus ` +
        `${data.models[0]}, that comes from the class, to first order, in units of FID.`,
    data.sampled.some((one) => !one) &&
      "Not all images are a random sample. Some images are shown because their weight or influence " +
        "is extreme. Tick \u201conly the random sample\u201d to see typical images.",
    ...data.counts.map((text) => `${text}.`.replace(/\.\.$/, ".")),
    `Seed: ${data.seed}.`,
  ].filter(Boolean);
}

/** Build a view in its place in the page. */
export function buildExplorer(article) {
  const data = explorerData(article.dataset.key);
  const draw = thumbnails(data.sprites);
  const ways = orders(data);
  const filters = everything();
  const last = `influence-${data.models.length - 1}`;
  let order = ways.find(({ key }) => key === "weight") ?? ways.find(({ key }) => key === last);
  let images = [];

  const sort = choices(ways.map(({ key, title }) => [key, title]));
  sort.value = order.key;
  const direction = choices([["down", "largest first"], ["up", "smallest first"]]);
  const group = choices([["", "all"], ...data.groups.map((title, n) => [n, title])]);
  const search = element("input", { type: "search", placeholder: "part of a name", autocomplete: "off" });
  const sampled = element("input", { type: "checkbox" });
  const [least, most] = ["from", "to"].map((name) =>
    element("input", { type: "number", min: 0, step: "any", "aria-label": `Weight ${name}`, placeholder: name }),
  );
  const size = choices(SIZES);
  size.value = FIRST_SIZE;
  const reset = element("button", { type: "button" }, "Show all");
  const clear = element("button", { type: "button", class: "chip", hidden: true });
  const count = element("p", { class: "count", role: "status" });
  const legend = element("ul", { class: "group-legend", "aria-label": "Images of each group" });
  const nothing = element("p", { class: "nothing", hidden: true }, "No image matches these filters.");

  const grid = makeGrid({
    title: `Images of ${data.title}`,
    label: (image) => labelOf(data, order, image),
    caption: (image) => captionOf(data, order, image),
    group: (image) => data.group[image],
    draw,
    open: (place) => viewer.open(images, place),
  });
  const viewer = makeViewer(data, draw, (place) => grid.focus(place));
  const classes = data.classTable && makeClasses(data, draw, (place) => {
    filters.cls = place;
    update();
  });

  function update() {
    images = select(data, filters, order, direction.value === "down");
    grid.show(images);
    classes?.show(filters.text, filters.cls);
    clear.hidden = filters.cls === null;
    if (filters.cls !== null) clear.textContent = `Class: ${data.classTable.names[filters.cls]} \u00d7`;
    count.textContent = `${whole(images.length)} of ${whole(data.count)} images`;
    legend.replaceChildren(
      ...data.groups.map((title, n) => {
        const swatch = element("span", { class: `swatch group-${n}`, "aria-hidden": "true" });
        const shown = images.reduce((sum, image) => sum + (data.group[image] === n), 0);
        return element("li", {}, swatch, `${title}: ${whole(shown)}`);
      }),
    );
    nothing.hidden = images.length > 0;
  }

  function weight(input) {
    const value = input.valueAsNumber;
    return Number.isNaN(value) ? null : value;
  }

  sort.addEventListener("change", () => {
    order = ways.find(({ key }) => key === sort.value);
    if (order.key === "index" || order.key === "class") direction.value = "up";
    update();
  });
  direction.addEventListener("change", update);
  group.addEventListener("change", () => {
    filters.group = group.value === "" ? null : Number(group.value);
    update();
  });
  search.addEventListener("input", () => {
    filters.text = search.value;
    update();
  });
  sampled.addEventListener("change", () => {
    filters.sampled = sampled.checked;
    update();
  });
  for (const input of [least, most]) {
    input.addEventListener("input", () => {
      [filters.least, filters.most] = [weight(least), weight(most)];
      update();
    });
  }
  size.addEventListener("change", () => grid.resize(Number(size.value)));
  clear.addEventListener("click", () => {
    filters.cls = null;
    update();
    sort.focus();
  });
  reset.addEventListener("click", () => {
    Object.assign(filters, everything());
    for (const input of [search, least, most]) input.value = "";
    group.value = "";
    sampled.checked = false;
    update();
  });

  const hasWeights = ways.some(({ key }) => key === "weight");
  article.querySelector(".explorer-room").append(
    element(
      "div",
      { class: "controls", role: "group", "aria-label": "Sort and filter the images" },
      labelled("Sort by", sort),
      labelled("Order", direction),
      labelled("Images", group),
      classes && labelled("Class", search),
      hasWeights
        ? element("div", { class: "control" }, element("span", {}, "Weight"), element("span", { class: "pair" }, least, most))
        : null,
      labelled("Size", size),
      element("label", { class: "control tick" }, sampled, element("span", {}, "only the random sample")),
      reset,
    ),
    element("div", { class: "counts" }, count, legend, clear),
    element(
      "div",
      { class: classes ? "halves" : "whole" },
      element("div", { class: "grid-room" }, grid.box, nothing),
      classes?.box ?? null,
    ),
    element(
      "details",
      { class: "meanings" },
      element("summary", {}, "What the numbers mean"),
      element("ul", {}, ...meanings(data).map((text) => element("li", {}, text))),
    ),
    viewer.dialog,
  );
  update();
}

/** Build each view when it is first shown; the list of choices selects a view. */
export function startExplorers() {
  const articles = [...document.querySelectorAll("article.explorer")];
  if (!articles.length) return;
  const built = new Set();
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting || built.has(target)) continue;
        built.add(target);
        buildExplorer(target);
      }
    },
    { rootMargin: "800px" },
  );
  for (const article of articles) near.observe(article);

  const view = document.getElementById("view");
  const choose = (key) => {
    for (const article of articles) article.hidden = article.dataset.key !== key;
    if (view) view.value = key;
  };
  view?.addEventListener("change", () => choose(view.value));
  const follow = () => {
    const article = articles.find(({ id }) => `#${id}` === location.hash);
    if (!article) return;
    choose(article.dataset.key);
    article.scrollIntoView();
  };
  window.addEventListener("hashchange", follow);
  follow();
}
