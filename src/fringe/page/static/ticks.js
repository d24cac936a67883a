// Ticks next to the exhibits that a reviewer has checked; the browser keeps them.

/** Return the ticked exhibits that were kept; none where the browser keeps nothing. */
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
    // The browser keeps nothing for this page; the ticks last until it is closed.
  }
}

/** Make the boxes work, and count them. */
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
