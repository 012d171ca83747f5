// A page's words laid over its picture, transparent: to be selected and copied, found and read aloud.
//
// Each word is stretched to its box and carries the white space that follows it, so that a copied text is the page's.

/**
 * @typedef {{start: number, end: number, left: number, top: number, right: number, bottom: number}} Box
 * @typedef {{number: number, text: string, origin: string, boxes: Box[]}} PageText
 */

const MEASURED_PX = 100;
const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/**
 * @param {PageText} page
 * @param {number} ratio  the page's width, in heights
 * @returns {HTMLElement}
 */
export function textLayer(page, ratio) {
  const layer = document.createElement("div");
  layer.className = "layer";
  if (!page.boxes.length) {
    layer.append(page.text);
    layer.classList.add("unseen");
    return layer;
  }
  pen.font = `${MEASURED_PX}px ${getComputedStyle(document.body).fontFamily}`;
  const slice = slicer(page.text);
  page.boxes.forEach((box, index) => layer.append(word(page.boxes, box, index, slice, ratio)));
  return layer;
}

/**
 * @param {Box[]} boxes
 * @param {Box} box
 * @param {number} index
 * @param {(start: number, end: number) => string} slice
 * @param {number} ratio
 * @returns {HTMLElement}
 */
function word(boxes, box, index, slice, ratio) {
  const [start, end] = part(boxes, box, index);
  const after = boxes[index + 1];
  const span = document.createElement("span");
  const text = slice(start, end);
  const height = box.bottom - box.top;
  const measured = (pen.measureText(text).width / MEASURED_PX) * height;
  span.textContent = text;
  if (after && after.start > end) span.append(gap(slice(end, after.start)));
  span.style.left = `${box.left * 100}%`;
  span.style.top = `${box.top * 100}%`;
  span.style.fontSize = `${height * 100}cqh`;
  if (measured) span.style.transform = `scaleX(${((box.right - box.left) * ratio) / measured})`;
  return span;
}

/**
 * The white space after a word: a line break is copied, but takes no room that a selection would show.
 * @param {string} blank
 * @returns {Node}
 */
function gap(blank) {
  if (!blank.includes("\n")) return document.createTextNode(blank);
  const unseen = document.createElement("span");
  unseen.className = "gap";
  unseen.textContent = blank;
  return unseen;
}

/**
 * The letters in this box: where a line breaks a word, it has two boxes, and each holds its share of it.
 * @param {Box[]} boxes
 * @param {Box} box
 * @param {number} index
 * @returns {[number, number]}
 */
function part(boxes, box, index) {
  const same = [boxes[index - 1], box, boxes[index + 1]].filter((other) => other?.start === box.start);
  if (same.length < 2) return [box.start, box.end];
  const first = same[0] === box ? box : same[0];
  const total = same.reduce((sum, other) => sum + other.right - other.left, 0);
  const cut = box.start + Math.round(((first.right - first.left) / total) * (box.end - box.start));
  return first === box ? [box.start, cut] : [cut, box.end];
}

/**
 * Offsets count characters; JavaScript's strings count some of them twice.
 * @param {string} text
 * @returns {(start: number, end: number) => string}
 */
export function slicer(text) {
  const characters = Array.from(text);
  if (characters.length === text.length) return (start, end) => text.slice(start, end);
  return (start, end) => characters.slice(start, end).join("");
}
