// The choice and the order of the shown images. Nothing here changes the page.

import { classTitle, topClass } from "fringe/data";

/** Return the ways to sort the images of a view: a key, a title, and the value of an image. */
export function orders(data) {
  const found = [{ key: "index", title: "number in its source", value: (n) => data.index[n] }];
  if (data.weight.some(Number.isFinite)) {
    found.push({ key: "weight", title: "optimized weight", value: (n) => data.weight[n] });
  }
  if (data.classes !== null) {
    found.push({ key: "class", title: classTitle(data, 0), value: (n) => topClass(data, n) });
  }
  data.models.forEach((model, place) => {
    const { values, width } = data.influence;
    found.push({
      key: `influence-${place}`,
      title: `influence on FID: ${model}`,
      value: (n) => values[n * width + place],
    });
  });
  if (data.nearest.some(Number.isFinite)) {
    const title = "distance to the nearest real image";
    found.push({ key: "nearest", title, value: (n) => data.nearest[n] });
  }
  return found;
}

/** Return the filters with which all images are shown. */
export function everything() {
  return { group: null, text: "", cls: null, sampled: false, least: null, most: null };
}

/**
 * Return the images that match the filters, sorted.
 *
 * Images with an unknown value come last, in both directions. Images with equal values keep their
 * order. Images without a weight match no filter of weights.
 */
export function select(data, filters, order, largestFirst) {
  const text = filters.text.trim().toLowerCase();
  const named = text && data.classTable.names.map((name) => name.toLowerCase().includes(text));
  const chosen = [];
  for (let n = 0; n < data.count; n++) {
    if (filters.group !== null && data.group[n] !== filters.group) continue;
    if (filters.sampled && !data.sampled[n]) continue;
    if (filters.cls !== null && topClass(data, n) !== filters.cls) continue;
    if (named && !named[topClass(data, n)]) continue;
    if (filters.least !== null && !(data.weight[n] >= filters.least)) continue;
    if (filters.most !== null && !(data.weight[n] <= filters.most)) continue;
    chosen.push(n);
  }
  const values = new Float64Array(data.count);
  for (const n of chosen) values[n] = order.value(n);
  const direction = largestFirst ? -1 : 1;
  return chosen.sort((a, b) => {
    const [known, other] = [Number.isNaN(values[a]), Number.isNaN(values[b])];
    if (known || other) return known - other || a - b;
    return direction * (values[a] - values[b]) || a - b;
  });
}
