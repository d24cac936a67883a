// Sensitivity maps as colours.

// The colour map "viridis" of Matplotlib, every fifth of its 256 colours.
const VIRIDIS = (
  "44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a" +
  "3a538b38598c355e8d33638d31688e2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d" +
  "20928c1f978b1e9c891fa18821a58524aa8328ae802eb37c35b7793dbc7446c06f50c46a5ac864" +
  "65cb5e70cf577cd25089d54895d840a2da37b0dd2fbddf26cae11fd8e219e5e419f1e51dfde725"
).match(/.{6}/g).map((text) => [0, 2, 4].map((at) => parseInt(text.slice(at, at + 2), 16)));

/** Return the colour of a value from 0 to 1, as red, green and blue from 0 to 255. */
export function viridis(value) {
  const place = Math.min(1, Math.max(0, value)) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[low].map((part, n) => part + (place - low) * (VIRIDIS[low + 1][n] - part));
}

/** Return the map of an image: its shape, its values from 0 to 255 and its range; or null. */
export function mapOf(data, image) {
  if (data.maps === null || !Number.isFinite(data.mapRanges.values[2 * image])) return null;
  const [, height, width] = data.maps.shape;
  const from = image * height * width;
  return {
    height,
    width,
    values: data.maps.values.subarray(from, from + height * width),
    range: data.mapRanges.values.subarray(2 * image, 2 * image + 2),
  };
}

/** Return the value of a map at a place from 0 to 1, interpolated between the centres of cells. */
export function valueAt(map, down, across) {
  const y = Math.min(map.height - 1, Math.max(0, down * map.height - 0.5));
  const x = Math.min(map.width - 1, Math.max(0, across * map.width - 0.5));
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const bottom = Math.min(map.height - 1, top + 1);
  const right = Math.min(map.width - 1, left + 1);
  const [dy, dx] = [y - top, x - left];
  const at = (row, column) => map.values[row * map.width + column];
  const above = at(top, left) * (1 - dx) + at(top, right) * dx;
  const below = at(bottom, left) * (1 - dx) + at(bottom, right) * dx;
  return (above * (1 - dy) + below * dy) / 255;
}

/** Draw a map over a whole canvas. */
export function drawMap(canvas, map) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (let row = 0; row < canvas.height; row++) {
    for (let column = 0; column < canvas.width; column++) {
      const value = valueAt(map, (row + 0.5) / canvas.height, (column + 0.5) / canvas.width);
      pixels.data.set([...viridis(value), 255], 4 * (row * canvas.width + column));
    }
  }
  context.putImageData(pixels, 0, 0);
}

/** Draw the scale of the colours, from left to right. */
export function drawScale(canvas) {
  const context = canvas.getContext("2d");
  for (let column = 0; column < canvas.width; column++) {
    const [red, green, blue] = viridis(column / (canvas.width - 1));
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(column, 0, 1, canvas.height);
  }
}
