// The dialog of an image: enlarged, with its sensitivity map and its numbers.

import { element, labelled } from "fringe/dom";
import { classTitle, imageName } from "fringe/data";
import { digits, percent, signed, times, whole } from "fringe/format";
import { drawMap, drawScale, mapOf } from "fringe/maps";

const SIDE = 384;
const BLEND = 50;

/** Return the numbers of an image as pairs of a name and a text. */
export function facts(data, image) {
  const found = [];
  if (data.classes !== null) {
    const { values, width } = data.classes;
    for (let rank = 0; rank < width; rank++) {
      const place = values[image * width + rank];
      if (place < 0) continue;
      const likely = data.probabilities?.values[image * width + rank];
      const share = likely === undefined || Number.isNaN(likely) ? "" : `, ${percent(likely)}`;
      found.push([classTitle(data, rank), `${data.classTable.names[place]}${share}`]);
    }
  }
  const weight = data.weight[image];
  if (Number.isFinite(weight)) {
    const text = weight === 0 ? "0×: never drawn" : `${times(weight)} as often as with equal weights`;
    found.push(["Optimized weight", text]);
  }
  const { values, width } = data.influence;
  data.models.forEach((model, place) => {
    found.push([`Influence on FID: ${model}`, signed(values[image * width + place])]);
  });
  if (Number.isFinite(data.nearest[image])) {
    found.push(["Distance to the nearest other real image", digits(data.nearest[image], 4)]);
  }
  const chosen = data.sampled[image]
    ? "it is part of the random sample"
    : "its weight or influence is extreme";
  found.push(["Shown because", chosen]);
  return found;
}

/** Make the dialog. When it closes, `closed(place)` gets the place of the last shown image. */
export function makeViewer(data, draw, closed) {
  let images = [];
  let place = 0;
  const id = `viewer-${data.key}`;
  const heading = element("h4", { id });
  const position = element("p", { class: "viewer-position" });
  const picture = element("canvas", { class: "viewer-picture", role: "img" });
  const overlay = element("canvas", { class: "viewer-map", role: "img" });
  for (const canvas of [picture, overlay]) canvas.width = canvas.height = SIDE;
  const slider = element("input", { type: "range", min: 0, max: 100, value: BLEND });
  const scale = element("canvas", { class: "viewer-scale", "aria-hidden": "true" });
  [scale.width, scale.height] = [256, 12];
  drawScale(scale);
  const low = element("span");
  const high = element("span");
  const blend = element(
    "div",
    { class: "viewer-blend" },
    labelled("Sensitivity map over the image", slider),
    element("div", { class: "viewer-range" }, low, scale, high),
    element(
      "p",
      { class: "note" },
      "FID is most sensitive to the yellow parts of the image, and least to the dark blue parts.",
    ),
  );
  const none = element("p", { class: "note" }, "This image has no sensitivity map.");
  const list = element("dl", { class: "facts" });
  const previous = element("button", { type: "button" }, "Previous");
  const next = element("button", { type: "button" }, "Next");
  const close = element("button", { type: "button", class: "close" }, "Close");
  const dialog = element(
    "dialog",
    { class: "viewer", "aria-labelledby": id },
    element("header", {}, heading, close),
    element(
      "div",
      { class: "viewer-body" },
      element(
        "div",
        { class: "viewer-left" },
        element("div", { class: "viewer-stack" }, picture, overlay),
        blend,
        none,
      ),
      element("div", { class: "viewer-right" }, list),
    ),
    element("footer", {}, previous, position, next),
  );

  function fade() {
    overlay.style.opacity = slider.value / 100;
    slider.setAttribute("aria-valuetext", `${slider.value}%`);
  }

  function show(wanted) {
    place = Math.min(images.length - 1, Math.max(0, wanted));
    const image = images[place];
    heading.textContent = imageName(data, image);
    position.textContent = `${whole(place + 1)} of ${whole(images.length)} shown`;
    picture.setAttribute("aria-label", `The image, enlarged: ${imageName(data, image)}`);
    draw(picture, image);
    const map = mapOf(data, image);
    overlay.hidden = blend.hidden = map === null;
    none.hidden = map !== null;
    if (map) {
      drawMap(overlay, map);
      overlay.dataset.image = image;
      overlay.setAttribute("aria-label", "Sensitivity map: where changes of the image change FID most");
      low.textContent = digits(map.range[0]);
      high.textContent = digits(map.range[1]);
    }
    list.replaceChildren(
      ...facts(data, image).map(([name, text]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, text)),
      ),
    );
    previous.disabled = place === 0;
    next.disabled = place === images.length - 1;
  }

  slider.addEventListener("input", fade);
  previous.addEventListener("click", () => show(place - 1));
  next.addEventListener("click", () => show(place + 1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.target === slider) return;
    if (event.key === "ArrowLeft") show(place - 1);
    if (event.key === "ArrowRight") show(place + 1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside the dialog
  });
  dialog.addEventListener("close", () => closed(place));
  fade();

  return {
    dialog,
    /** Open the dialog with the image at a place among the shown images. */
    open(chosen, at) {
      images = chosen;
      show(at);
      dialog.showModal();
      close.focus();
    },
  };
}
