// Ticks for the exhibits that a reviewer has checked; the browser stores the ticks.

/** Return the stored ticks; none if the browser stores nothing. */
function kept(key) {
  try {
    return new Set(JSON.parse(localStorage.getItem(key) ?? "[]"));
  } catch {
    return new Set();
  }
}

function keep(key, ticked) {
  try {
    localStorage.setItem(key, JSON.stringify([...ticked]));
  } catch {
    // The browser stores nothing for this page, so the ticks are lost when the page is closed.
  }
}

/** Start the checkboxes and their count. */
export function startTicks() {
  const boxes = [...document.querySelectorAll(".exhibit input[type=checkbox]")];
  if (!boxes.length) return;
  const key = `fringe-checked:${location.pathname}`;
  const ticked = kept(key);
  const progress = document.querySelector(".progress-text");

  function update() {
    const done = boxes.filter((box) => box.checked).length;
    progress.textContent = `${done} of ${boxes.length} checked`;
    for (const box of boxes) {
      const place = document.querySelector(`.index [data-exhibit="${box.dataset.exhibit}"]`);
      place.classList.toggle("checked", box.checked);
    }
  }

  for (const box of boxes) {
    box.checked = ticked.has(box.dataset.exhibit);
    box.addEventListener("change", () => {
      if (box.checked) ticked.add(box.dataset.exhibit);
      else ticked.delete(box.dataset.exhibit);
      keep(key, ticked);
      update();
    });
  }
  document.querySelector(".uncheck").addEventListener("click", () => {
    ticked.clear();
    for (const box of boxes) box.checked = false;
    keep(key, ticked);
    update();
  });
  update();
}
