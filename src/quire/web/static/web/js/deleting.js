// Deletes after a few seconds in which that can be undone: until then the server knows nothing of it. Who leaves the
// page meanwhile has made up their mind.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { problemSentence } from "./problem.js";
import { nameOf } from "./rows.js";
import { said, saidOf } from "./said.js";

const UNDO_MS = 7000;

/**
 * @typedef {object} Batch
 * @property {string[]} ids
 * @property {HTMLElement} notice
 * @property {number} [timer]
 */

export class Deleting {
  /** @type {Set<Batch>} */
  #batches = new Set();

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {HTMLTemplateElement} options.template
   * @param {(ids: string[]) => void} options.onGone
   * @param {(sentence: string) => void} options.onRefused
   */
  constructor({ url, template, onGone, onRefused }) {
    this.url = url;
    this.template = template;
    this.onGone = onGone;
    this.onRefused = onRefused;
    window.addEventListener("pagehide", () => this.#batches.forEach((batch) => void this.#send(batch)));
  }

  /** @param {string[]} ids  of rows that are shown */
  begin(ids) {
    const rows = ids.map(rowOf).filter((row) => row !== null && !row.hidden);
    if (!rows[0]) return;
    const batch = { ids: rows.map((row) => row?.dataset.document ?? ""), notice: this.#notice(rows.length, nameOf(rows[0])) };
    this.#batches.add(batch);
    const hadFocus = rows.some((row) => row?.contains(document.activeElement)) || document.activeElement === document.body;
    rows[0].before(batch.notice);
    for (const row of rows) if (row) row.hidden = true;
    const undo = /** @type {HTMLButtonElement} */ (batch.notice.querySelector("[data-act=undo]"));
    undo.addEventListener("click", () => this.#undo(batch));
    if (hadFocus) undo.focus({ preventScroll: true });
    announce(batch.notice.querySelector("p")?.textContent ?? "");
    this.#count(batch);
  }

  /** After the list was fetched anew: what is leaving stays out of it, and can still be undone. */
  again() {
    const list = document.getElementById("uploads");
    for (const { ids, notice } of this.#batches) {
      const rows = ids.map(rowOf).filter((row) => row !== null);
      for (const row of rows) row.hidden = true;
      if (rows[0]) rows[0].before(notice);
      else list?.prepend(notice);
    }
  }

  /**
   * The seconds run, but not while somebody is about to press the button.
   * @param {Batch} batch
   */
  #count(batch) {
    const start = () => {
      clearTimeout(batch.timer);
      batch.timer = setTimeout(() => this.#send(batch), UNDO_MS);
    };
    batch.notice.addEventListener("pointerenter", () => clearTimeout(batch.timer));
    batch.notice.addEventListener("pointerleave", start);
    start();
  }

  /** @param {Batch} batch */
  #undo(batch) {
    clearTimeout(batch.timer);
    this.#batches.delete(batch);
    const rows = batch.ids.map(rowOf);
    for (const row of rows) if (row) row.hidden = false;
    batch.notice.remove();
    /** @type {HTMLElement | null | undefined} */ (rows[0]?.querySelector("a.row-name"))?.focus({ preventScroll: true });
    announce(said("undone"));
  }

  /** @param {Batch} batch */
  async #send(batch) {
    clearTimeout(batch.timer);
    if (!this.#batches.delete(batch)) return;
    const answer = await fetch(`${this.url}delete/`, {
      method: "POST",
      keepalive: true, // it is sent even as the page is left
      headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/json" },
      body: JSON.stringify({ document_ids: batch.ids }),
    }).catch(() => null);
    const isGone = answer?.ok || answer?.status === 404;
    const why = isGone ? "" : answer ? problemSentence(await answer.text()) : said("unreachable");
    this.#finish(batch, isGone ?? false);
    if (isGone) this.onGone(batch.ids);
    else this.onRefused(said("not-deleted", { why }));
  }

  /**
   * @param {Batch} batch
   * @param {boolean} isGone
   */
  #finish({ ids, notice }, isGone) {
    if (notice.contains(document.activeElement)) nextTo(notice)?.focus({ preventScroll: true });
    notice.remove();
    for (const id of ids) {
      const row = rowOf(id);
      if (row && isGone) row.remove();
      else if (row) row.hidden = false;
    }
  }

  /**
   * @param {number} n
   * @param {string} name  of the first
   */
  #notice(n, name) {
    const fragment = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const notice = /** @type {HTMLElement} */ (fragment.querySelector("li"));
    /** @type {HTMLElement} */ (notice.querySelector("p")).textContent = saidOf("deleted", n, { name });
    return notice;
  }
}

/**
 * @param {string} id
 * @returns {HTMLElement | null}
 */
const rowOf = (id) => document.getElementById(`document-${id}`);

/**
 * Where focus goes when what had it goes: the next row, or the one before.
 * @param {HTMLElement} element
 * @returns {HTMLElement | null}
 */
function nextTo(element) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#uploads .row:not([hidden]) a.row-name")]);
  const after = links.find((link) => element.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING);
  return after ?? links.at(-1) ?? document.getElementById("main");
}
