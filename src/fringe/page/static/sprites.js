// Thumbnails, cut from the pictures that contain many thumbnails.

import { bytes } from "fringe/data";

/** Make the function that draws thumbnails of a view on canvases. */
export function thumbnails(sprites) {
  const { size, rows, columns, pictures } = sprites;
  const opened = new Map(); // pictures; each is decoded when its first thumbnail is drawn

  function picture(number) {
    if (!opened.has(number)) {
      const blob = new Blob([bytes(pictures[number])], { type: "image/webp" });
      opened.set(number, createImageBitmap(blob));
    }
    return opened.get(number);
  }

  /** Draw an image's thumbnail over a whole canvas, unless the canvas now needs another image. */
  return async function draw(canvas, image) {
    canvas.dataset.image = image;
    const bitmap = await picture(Math.floor(image / (rows * columns)));
    if (canvas.dataset.image !== String(image)) return;
    const place = image % (rows * columns);
    const left = (place % columns) * size;
    const top = Math.floor(place / columns) * size;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, left, top, size, size, 0, 0, canvas.width, canvas.height);
    canvas.dataset.drawn = image;
  };
}
