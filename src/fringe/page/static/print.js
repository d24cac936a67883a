// Opens details for printing, except the data of plots that have a figure for print.

const OPENED = "details:not([open]):not(.data), .curve:not(:has(.static)) details:not([open])";

/** Open closed details before the page is printed, and close them afterwards. */
export function startPrint() {
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll(OPENED)];
    for (const one of closed) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
    closed = [];
  });
}
