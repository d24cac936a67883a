// A reader of CSV. Vega's own reader needs eval, which the page forbids.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Return the cells of each line; cells in quotes may contain commas, quotes and line breaks. */
export function cells(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    rows.push([...row, cell]);
    [row, cell] = [[], ""];
  };
  for (let n = 0; n < text.length; n++) {
    const letter = text[n];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[n + 1] === '"') cell += text[(n += 1)];
      else quoted = false;
    } else if (letter === '"') {
      quoted = true;
    } else if (letter === ",") {
      row.push(cell);
      cell = "";
    } else if (letter === "\n") {
      endRow();
    } else if (letter !== "\r") {
      cell += letter;
    }
  }
  if (cell || row.length) endRow();
  return rows;
}

/**
 * Return the rows of a CSV with a header line, as objects. Empty cells are null. If all other cells
 * of a column are numbers, its values are numbers.
 */
export function table(text) {
  const [head, ...rows] = cells(text);
  const numeric = head.map((_, n) => rows.every((row) => row[n] === "" || NUMBER.test(row[n])));
  const value = (cell, n) => (numeric[n] ? Number(cell) : cell);
  return rows.map((row) =>
    Object.fromEntries(head.map((name, n) => [name, row[n] === "" ? null : value(row[n], n)])),
  );
}
