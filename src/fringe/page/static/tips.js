// Places the details of a number next to it. Without scripts they are at the window's edge.

const GAP = 8;
const EDGE = 12;

function place(number) {
  const tip = number.querySelector(".tip");
  const there = number.getBoundingClientRect();
  tip.classList.add("placed");
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = Math.min(there.left, document.documentElement.clientWidth - width - EDGE);
  const below = there.bottom + GAP;
  const fits = below + height + EDGE <= window.innerHeight || there.top - GAP - height < EDGE;
  tip.style.left = `${Math.max(EDGE, left)}px`;
  tip.style.top = `${fits ? below : there.top - GAP - height}px`;
}

/** Place tips next to their numbers; Escape hides a tip and keeps the focus. */
export function startTips() {
  for (const event of ["pointerover", "focusin"]) {
    document.addEventListener(event, ({ target }) => {
      const number = target.closest?.(".has-about");
      if (!number) return;
      number.classList.remove("dismissed");
      place(number);
    });
  }
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const number of document.querySelectorAll(".has-about:is(:hover, :focus)")) {
      number.classList.add("dismissed");
    }
  });
}
