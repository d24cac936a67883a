// The format of numbers.

const MINUS = "\u2212";

/** Return a number with a given count of significant digits; "unknown" if there is no number. */
export function digits(value, count = 3) {
  if (!Number.isFinite(value)) return "unknown";
  if (value === 0) return "0";
  const text = Number(value.toPrecision(count));
  const size = Math.abs(text);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(count - 1).replaceAll("-", MINUS);
  const places = Math.max(0, count - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(places).replace("-", MINUS);
}

/** Return a number with its sign, also if it is positive. */
export function signed(value, count = 3) {
  const text = digits(value, count);
  return value > 0 && Number.isFinite(value) ? `+${text}` : text;
}

/** Return a share (0 to 1) in percent. */
export function percent(value, count = 2) {
  if (!Number.isFinite(value)) return "unknown";
  if (value === 0) return "0%";
  return value < 0.0001 ? "< 0.01%" : `${digits(100 * value, count)}%`;
}

/** Return how often an image is drawn, as a multiple of equal weights. */
export function times(value) {
  return Number.isFinite(value) ? `${digits(value)}×` : "none";
}

/** Return a whole number with commas between groups of three digits. */
export function whole(value) {
  return value.toLocaleString("en");
}
