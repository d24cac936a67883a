// Interactive plots, drawn with Vega-Lite without eval.

import "vega";
import "vega-lite";
import { expressionInterpreter } from "vega-interpreter";
import { table } from "fringe/csv";
import { bytes, embedded } from "fringe/data";
import { element } from "fringe/dom";

const { vega, vegaLite } = globalThis;

const HEIGHT = 320; // pixels; the height of a plot that does not set its height
const NARROW = 480; // pixels; legends of narrower plots have one column
const AXIS = 60; // pixels next to the horizontal axis
const LETTER = 7; // pixels; the width of a letter of a title

/** Return the colours and fonts of the page as a configuration of Vega-Lite. */
function look() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const [text, muted, line] = [read("text"), read("muted"), read("line")];
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: null,
    font,
    axis: {
      labelColor: muted,
      titleColor: text,
      titleFontWeight: "normal",
      titlePadding: 8,
      labelFontSize: 12,
      titleFontSize: 13,
      domainColor: muted,
      tickColor: muted,
      gridColor: line,
    },
    legend: {
      orient: "top",
      columns: 2,
      labelColor: text,
      titleColor: text,
      labelFontSize: 12,
      titleFontSize: 12,
      titleFontWeight: "normal",
      labelLimit: 200,
      symbolSize: 90,
      symbolStrokeWidth: 2,
      padding: 4,
      layout: { top: { anchor: "start", direction: "vertical", margin: 4 } },
    },
    header: { labelColor: text, titleColor: text, labelFontSize: 12 },
    title: { color: text, font },
    view: { stroke: null },
    mark: { color: read("series-1") },
    rule: { color: muted },
    text: { color: text },
    line: { strokeWidth: 2 },
    point: { filled: true, size: 55 },
    range: { category: [1, 2, 3, 4, 5, 6, 7].map((n) => read(`series-${n}`)) },
  };
}

/**
 * Zoom with the mouse wheel only while Ctrl is held. Without Ctrl, the wheel scrolls the page.
 * Browsers report a pinch on a touchpad as a wheel event with Ctrl.
 */
function tamed(spec) {
  const params = spec.params?.map((one) => {
    if (one.bind !== "scales") return one;
    const select = typeof one.select === "string" ? { type: one.select } : one.select;
    return { ...one, select: { ...select, zoom: "wheel![event.ctrlKey]" } };
  });
  const layer = spec.layer?.map(tamed);
  return { ...spec, ...(params && { params }), ...(layer && { layer }) };
}

/** Break a text between words into lines of at most a given number of letters. */
export function lines(text, letters) {
  const found = [];
  for (const word of text.split(" ")) {
    const longer = `${found.at(-1)} ${word}`;
    if (found.length && longer.length <= letters) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}

/** Fit titles of axes and columns of legends into a plot of a given width and height in pixels. */
function fitted(spec, width, height) {
  const room = { x: (width - AXIS) / LETTER, y: height / LETTER };
  const encoding = Object.fromEntries(
    Object.entries(spec.encoding ?? {}).map(([name, channel]) => {
      const changed = { ...channel };
      if (room[name] && typeof channel.title === "string") {
        changed.title = lines(channel.title, room[name]);
      }
      if (channel.legend && width < NARROW) changed.legend = { ...channel.legend, columns: 1 };
      return [name, Array.isArray(channel) ? channel : changed];
    }),
  );
  const layer = spec.layer?.map((one) => fitted(one, width, height));
  return { ...spec, ...(spec.encoding && { encoding }), ...(layer && { layer }) };
}

/** Make the function that shows the values of a mark as text, next to the pointer. */
function tooltip(plot) {
  const box = element("div", { class: "plot-tip", "aria-hidden": "true", hidden: true });
  plot.append(box);
  return (handler, event, item, value) => {
    box.hidden = value === null || value === undefined || value === "";
    if (box.hidden) return;
    const pairs = typeof value === "object" ? Object.entries(value) : [["", value]];
    box.replaceChildren(
      ...pairs.map(([name, text]) =>
        element("div", {}, element("span", {}, name), element("strong", {}, String(text))),
      ),
    );
    const room = plot.getBoundingClientRect();
    const left = event.clientX - room.left + 14;
    box.style.left = `${Math.max(0, Math.min(left, room.width - box.offsetWidth))}px`;
    box.style.top = `${event.clientY - room.top + 14}px`;
  };
}

async function draw(article, plot) {
  const { title, caption, spec } = embedded(`data-${article.dataset.key}`);
  const address = article.querySelector("a.csv").getAttribute("href");
  const csv = new TextDecoder().decode(bytes(address.slice(address.indexOf(",") + 1)));
  const height = spec.height ?? HEIGHT;
  const full = {
    width: "container",
    autosize: { type: "fit-x", contains: "padding" },
    description: `${title}. ${caption}`,
    ...fitted(tamed(spec), plot.clientWidth, height),
    height,
    data: { name: "table", values: table(csv) },
  };
  const compiled = vegaLite.compile(full, { config: look(), logger: vega.logger(vega.Error) });
  const runtime = vega.parse(compiled.spec, null, { ast: true });
  const room = element("div", { class: "plot-room" });
  plot.replaceChildren(room);
  const view = new vega.View(runtime, {
    container: room,
    renderer: "svg",
    hover: true,
    expr: expressionInterpreter,
    tooltip: tooltip(plot),
    logLevel: vega.Error,
  });
  await view.runAsync();
  return view;
}

/** Draw plots when they come near the window; draw them again if the page's colours change. */
export function startPlots() {
  const views = new Map();

  async function show(article) {
    const plot = article.querySelector(".plot");
    const reset = article.querySelector(".reset");
    plot.hidden = false;
    try {
      views.get(article)?.finalize();
      views.set(article, await draw(article, plot));
      article.classList.add("drawn");
      reset.hidden = false;
    } catch (error) {
      plot.hidden = true;
      const fault = article.querySelector(".plot-fault");
      fault.textContent = `This plot cannot be drawn: ${error.message}`;
      fault.hidden = false;
      console.error(error);
    }
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        show(target);
      }
    },
    { rootMargin: "600px" },
  );
  for (const article of document.querySelectorAll("article.curve")) {
    near.observe(article);
    article.querySelector(".reset").addEventListener("click", () => show(article));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const article of views.keys()) show(article);
  });
}
