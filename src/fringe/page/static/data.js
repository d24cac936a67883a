// The data of the page: JSON in script elements, with long arrays as base64.

const KINDS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Return the value of a script element with JSON. */
export function embedded(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Return the bytes of a base64 text. */
export function bytes(text) {
  const letters = atob(text);
  const found = new Uint8Array(letters.length);
  for (let n = 0; n < letters.length; n++) found[n] = letters.charCodeAt(n);
  return found;
}

function array(packed) {
  if (packed === null) return null;
  const values = new KINDS[packed.type](bytes(packed.data).buffer);
  return { values, shape: packed.shape, width: packed.shape[1] ?? 1 };
}

/**
 * Return the data of a view of the explorer. Arrays with one value for each image are typed arrays;
 * the others have `values`, `shape`, and `width`, the number of values in a row.
 */
export function explorerData(key) {
  const raw = embedded(`data-${key}`);
  const table = raw.classTable;
  return {
    ...raw,
    count: raw.group.shape[0],
    group: array(raw.group).values,
    index: array(raw.index).values,
    sampled: array(raw.sampled).values,
    weight: array(raw.weight).values,
    nearest: array(raw.nearest).values,
    influence: array(raw.influence),
    classes: array(raw.classes),
    probabilities: array(raw.probabilities),
    maps: array(raw.maps),
    mapRanges: array(raw.mapRanges),
    classTable: table && {
      names: table.names,
      numbers: array(table.numbers).values,
      shares: array(table.shares),
      contributions: array(table.contributions).values,
    },
  };
}

/** Return the row of an image's most probable class in the table of classes; -1 if unknown. */
export function topClass(data, image) {
  return data.classes === null ? -1 : data.classes.values[image * data.classes.width];
}

/** Return the title of the class of a rank. Labels have no probabilities and no rank. */
export function classTitle(data, rank) {
  return data.probabilities === null ? "class" : `Top-${rank + 1} class`;
}

/** Return the name of an image: its group and its number in the group's source. */
export function imageName(data, image) {
  return `${data.groups[data.group[image]]}, image ${data.index[image]}`;
}
