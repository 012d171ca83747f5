// The pages of a PDF as pictures, each with its words over it, and boxes over a citation's.
import { announce } from "./announce.js";
import { calm } from "./calm.js";
import { Near } from "./near.js";
import { textLayer } from "./text_layer.js";

/** @typedef {import("./text_layer.js").Box} Box */
/** @typedef {{picture: HTMLImageElement, stop: AbortController}} Held */

const AHEAD = "100% 0px";
const STEP_PX = 200; // pictures come in these widths, so that a browser that keeps them has the one it needs
const MOST_PX = 2400;
const AGAIN_MS = 2000;
const NEIGHBOURS = 3; // no gliding over more pages than this

export class Pages {
  /** @type {Map<HTMLElement, Held>} */
  #held = new Map();
  #shown = 0;

  /**
   * @param {HTMLElement} box  what scrolls
   * @param {string} url  of the pages in the API
   * @param {(number: string) => void} onPage  told which page is being read
   */
  constructor(box, url, onPage) {
    this.box = box;
    this.url = url;
    this.current = "1";
    this.sheets = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-page]")]);
    for (const sheet of this.sheets) shape(sheet, Number(sheet.dataset.width), Number(sheet.dataset.height));
    const reading = new IntersectionObserver((entries) => entries.forEach((entry) => {
      if (!entry.isIntersecting) return;
      this.current = /** @type {HTMLElement} */ (entry.target).dataset.page ?? "1";
      onPage(this.current);
    }), { root: box, rootMargin: "-35% 0px -65% 0px" });
    for (const sheet of this.sheets) reading.observe(sheet);
    const near = new Near({
      box,
      margin: AHEAD,
      fill: (sheet) => this.#fill(sheet),
      empty: (sheet) => this.#empty(sheet),
    });
    near.watch(this.sheets);
    new ResizeObserver(() => this.sharpen()).observe(box);
    const marked = /** @type {HTMLElement | null} */ (box.querySelector("[data-mark]"));
    const wanted = new URL(location.href);
    if (marked) wanted.searchParams.set("mark", marked.dataset.mark ?? "");
    if (wanted.searchParams.has("page")) void this.show(wanted);
  }

  /**
   * Bring a citation's page into view, its words boxed; the old boxes go.
   * @param {URL} url  of this document's page: `?page=…&mark=<start>-<end>`
   */
  async show(url) {
    const turn = ++this.#shown;
    const sheet = this.sheets[Number(url.searchParams.get("page") ?? "1") - 1];
    for (const old of this.box.querySelectorAll(".hits")) old.remove();
    if (!sheet) return;
    const boxes = await this.#boxes(sheet, url.searchParams.get("mark"));
    if (turn !== this.#shown) return;
    const hits = draw(sheet, boxes);
    const isFar = Math.abs(Number(sheet.dataset.page) - Number(this.current)) > NEIGHBOURS;
    const place = { block: hits ? "center" : "start", inline: "nearest", behavior: isFar ? "auto" : calm() };
    (hits?.firstElementChild ?? sheet).scrollIntoView(/** @type {ScrollIntoViewOptions} */ (place));
    announce(sheet.getAttribute("aria-label") ?? "");
  }

  /** Ask for each picture held in the width that it is now shown in. */
  sharpen() {
    clearTimeout(this.sharpening);
    this.sharpening = setTimeout(() => {
      for (const [sheet, { picture }] of this.#held) this.#want(sheet, picture);
    }, 150);
  }

  /**
   * Do what changes the pages' size, and stay at the place that is being read.
   * @param {() => void} change
   */
  keepPlace(change) {
    const sheet = this.sheets[Number(this.current) - 1];
    const middle = this.box.getBoundingClientRect().top + this.box.clientHeight / 3;
    const before = sheet.getBoundingClientRect();
    const part = (middle - before.top) / before.height;
    change();
    const after = sheet.getBoundingClientRect();
    this.box.scrollTop += after.top + part * after.height - middle;
    this.sharpen();
  }

  /** @param {HTMLElement} sheet */
  #fill(sheet) {
    if (this.#held.has(sheet)) return;
    const picture = document.createElement("img");
    picture.alt = "";
    picture.className = "picture";
    picture.draggable = false;
    const held = { picture, stop: new AbortController() };
    this.#held.set(sheet, held);
    picture.addEventListener("load", () => this.#loaded(sheet, picture));
    picture.addEventListener("error", () => setTimeout(() => this.#refill(sheet, held), AGAIN_MS));
    this.#want(sheet, picture);
    sheet.prepend(picture);
    void this.#write(sheet, held.stop.signal);
  }

  /** @param {HTMLElement} sheet */
  #empty(sheet) {
    const held = this.#held.get(sheet);
    if (!held || holdsSelection(sheet)) return;
    held.stop.abort();
    held.picture.removeAttribute("src"); // what is still on its way need not come
    held.picture.remove();
    sheet.querySelector(".layer")?.remove();
    this.#held.delete(sheet);
  }

  /**
   * @param {HTMLElement} sheet
   * @param {Held} held
   */
  #refill(sheet, held) {
    if (this.#held.get(sheet) !== held) return;
    this.#empty(sheet);
    this.#fill(sheet);
  }

  /**
   * @param {HTMLElement} sheet
   * @param {HTMLImageElement} picture
   */
  #want(sheet, picture) {
    const width = Math.ceil((sheet.clientWidth * devicePixelRatio) / STEP_PX) * STEP_PX;
    const src = `${this.url}${sheet.dataset.page}/image/?width=${Math.min(Math.max(width, STEP_PX), MOST_PX)}`;
    if (picture.getAttribute("src") !== src) picture.src = src;
  }

  /**
   * @param {HTMLElement} sheet
   * @param {HTMLImageElement} picture
   */
  #loaded(sheet, picture) {
    sheet.dataset.seen = "";
    const { width, height } = sheet.dataset;
    const isOther = Math.abs(picture.naturalWidth / picture.naturalHeight - Number(width) / Number(height)) > 0.02;
    if (isOther) shape(sheet, picture.naturalWidth, picture.naturalHeight);
  }

  /**
   * @param {HTMLElement} sheet
   * @param {AbortSignal} signal
   */
  async #write(sheet, signal) {
    const page = await fetchJson(`${this.url}${sheet.dataset.page}/`, signal);
    if (!page || signal.aborted) return;
    sheet.querySelector(".layer")?.remove();
    sheet.append(textLayer(page, Number(sheet.dataset.width) / Number(sheet.dataset.height)));
  }

  /**
   * @param {HTMLElement} sheet
   * @param {string | null} mark
   * @returns {Promise<Box[]>}
   */
  async #boxes(sheet, mark) {
    const range = /^(\d+)-(\d+)$/.exec(mark ?? "");
    if (!range) return [];
    const page = await fetchJson(`${this.url}${sheet.dataset.page}/?start=${range[1]}&end=${range[2]}`);
    return page?.boxes ?? [];
  }
}

/**
 * @param {HTMLElement} sheet
 * @param {number} width
 * @param {number} height
 */
function shape(sheet, width, height) {
  sheet.dataset.width = String(width);
  sheet.dataset.height = String(height);
  sheet.style.setProperty("--width", String(width));
  sheet.style.setProperty("--height", String(height));
}

/**
 * @param {HTMLElement} sheet
 * @param {Box[]} boxes
 * @returns {HTMLElement | null}
 */
function draw(sheet, boxes) {
  if (!boxes.length) return null;
  const hits = document.createElement("div");
  hits.className = "hits";
  for (const box of boxes) {
    const hit = hits.appendChild(document.createElement("div"));
    hit.className = "hit";
    hit.style.left = `${box.left * 100}%`;
    hit.style.top = `${box.top * 100}%`;
    hit.style.width = `${(box.right - box.left) * 100}%`;
    hit.style.height = `${(box.bottom - box.top) * 100}%`;
  }
  sheet.append(hits);
  return hits;
}

/** @param {HTMLElement} sheet */
function holdsSelection(sheet) {
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(sheet, true));
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./text_layer.js").PageText | null>}
 */
async function fetchJson(url, signal) {
  const response = await fetch(url, { signal, headers: { Accept: "application/json" } }).catch(() => null);
  return response?.ok ? await response.json().catch(() => null) : null;
}
