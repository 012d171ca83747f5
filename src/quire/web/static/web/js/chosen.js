// Several documents chosen at once: by boxes, a range with Shift, or all that are shown; and what can be done with them.
import { saidOf } from "./said.js";

const ASKED_AT_ONCE = 100;

export class Chosen {
  /** @type {Set<string>} */
  #ids = new Set();
  /** @type {string | null} */
  #last = null;
  #shift = false;

  /**
   * @param {object} options
   * @param {string} options.askUrl
   * @param {(ids: string[]) => void} options.onDelete
   * @param {(ids: string[]) => void} options.onRetry
   */
  constructor({ askUrl, onDelete, onRetry }) {
    this.askUrl = askUrl;
    this.bar = part("chosen");
    this.count = part("chosen-count");
    this.ask = /** @type {HTMLAnchorElement} */ (part("chosen-ask"));
    this.retry = part("chosen-retry");
    // A click tells of Shift, and the change that follows it does not; by keyboard it is Shift and Space.
    document.addEventListener("click", (event) => (this.#shift = event.shiftKey), true);
    document.addEventListener("change", (event) => this.#changed(/** @type {Element} */ (event.target)));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#ids.size && !event.defaultPrevented && isIdle()) this.none();
    });
    part("chosen-delete").addEventListener("click", () => {
      const ids = this.#shownIds();
      this.none();
      onDelete(ids);
    });
    this.retry.addEventListener("click", () => {
      onRetry(this.#boxes().filter((box) => box.checked && rowOf(box).hasAttribute("data-retryable")).map(idOf));
      this.none();
    });
    part("chosen-none").addEventListener("click", () => this.none());
    this.update();
  }

  none() {
    this.#ids.clear();
    const hadFocus = this.bar.contains(document.activeElement);
    this.update();
    if (hadFocus) part("choose-all").focus({ preventScroll: true });
  }

  /** Make boxes and bar show what is chosen, after rows came or went: what is not shown is not chosen. */
  update() {
    const boxes = this.#boxes();
    const shown = new Set(boxes.map(idOf));
    for (const id of this.#ids) if (!shown.has(id)) this.#ids.delete(id);
    for (const box of boxes) {
      box.checked = this.#ids.has(idOf(box));
      rowOf(box).classList.toggle("is-chosen", box.checked);
    }
    const all = /** @type {HTMLInputElement | null} */ (document.getElementById("choose-all"));
    if (all) {
      all.disabled = boxes.length === 0;
      all.checked = boxes.length > 0 && this.#ids.size === boxes.length;
      all.indeterminate = this.#ids.size > 0 && !all.checked;
    }
    this.#showBar(boxes);
  }

  /** @param {HTMLInputElement[]} boxes */
  #showBar(boxes) {
    const rows = boxes.filter((box) => box.checked).map(rowOf);
    const ready = rows.filter((row) => row.dataset.status === "completed").map((row) => row.dataset.document ?? "");
    this.bar.hidden = rows.length === 0;
    this.count.textContent = rows.length ? saidOf("chosen", rows.length) : "";
    this.ask.hidden = ready.length === 0 || ready.length > ASKED_AT_ONCE;
    this.ask.href = `${this.askUrl}?${new URLSearchParams(ready.slice(0, ASKED_AT_ONCE).map((id) => ["document", id]))}`;
    this.retry.hidden = !rows.some((row) => row.hasAttribute("data-retryable"));
  }

  /** @param {Element} target */
  #changed(target) {
    if (!(target instanceof HTMLInputElement)) return;
    if (target.id === "choose-all") for (const box of this.#boxes()) this.#set(idOf(box), target.checked);
    else if (target.matches("[data-act=choose]")) this.#one(target);
    else return;
    this.update();
  }

  /** @param {HTMLInputElement} box */
  #one(box) {
    const ids = this.#boxes().map(idOf);
    const from = this.#shift && this.#last ? ids.indexOf(this.#last) : -1;
    const to = ids.indexOf(idOf(box));
    const range = from < 0 ? [idOf(box)] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const id of range) this.#set(id, box.checked);
    this.#last = idOf(box);
  }

  /**
   * @param {string} id
   * @param {boolean} isChosen
   */
  #set(id, isChosen) {
    if (isChosen) this.#ids.add(id);
    else this.#ids.delete(id);
  }

  #shownIds() {
    return this.#boxes().map(idOf).filter((id) => this.#ids.has(id));
  }

  /** @returns {HTMLInputElement[]} */
  #boxes() {
    return [...document.querySelectorAll("#uploads .row:not([hidden]) [data-act=choose]")].map(
      (box) => /** @type {HTMLInputElement} */ (box),
    );
  }
}

/** Nothing is open or written in that Escape would be meant for. */
const isIdle = () => !document.querySelector(":popover-open, form.rename");

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {Element} box */
const rowOf = (box) => /** @type {HTMLElement} */ (box.closest(".row"));

/** @param {Element} box */
const idOf = (box) => rowOf(box).dataset.document ?? "";
