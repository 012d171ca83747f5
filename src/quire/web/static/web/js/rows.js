// Keeps the rows of the library as the server has them: each change is asked for as HTML and put in its place.
import { announce } from "./announce.js";

const GATHER_MS = 300;
const AT_ONCE = 50;

export class Rows {
  /** @type {Set<string>} */
  #wanted = new Set();
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {HTMLElement} list
   * @param {string} url
   */
  constructor(list, url) {
    this.list = list;
    this.url = url;
  }

  /** Whether a row is shown that will still change. */
  get isUnfinished() {
    return this.list.querySelector("[data-document][data-final=false]") !== null;
  }

  /**
   * Ask how these stand, soon and together; null: all that are shown and unfinished.
   * @param {string[] | null} ids
   */
  refresh(ids) {
    for (const id of ids ?? this.#unfinished()) this.#wanted.add(id);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Ask now. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const ids = [...this.#wanted];
    this.#wanted.clear();
    for (let i = 0; i < ids.length; i += AT_ONCE) await this.#fetch(ids.slice(i, i + AT_ONCE));
  }

  #unfinished() {
    const rows = /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[data-final=false][data-document]"));
    return [...rows].map((row) => row.dataset.document ?? "");
  }

  /** @param {string[]} ids */
  async #fetch(ids) {
    const query = new URLSearchParams(ids.map((id) => ["id", id]));
    const response = await fetch(`${this.url}?${query}`).catch(() => null);
    if (!response?.ok) return;
    if (response.redirected) return location.reload();
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    const fresh = /** @type {HTMLElement[]} */ ([...holder.content.querySelectorAll("[data-document]")]);
    for (const row of fresh.reverse()) this.#place(row);
    const there = new Set(fresh.map((row) => row.dataset.document));
    for (const id of ids) if (!there.has(id)) document.getElementById(`document-${id}`)?.remove();
  }

  /** @param {HTMLElement} row */
  #firstOlderThan(row) {
    const rows = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll("[data-document]")]);
    const older = rows.find((other) => (other.dataset.created ?? "") < (row.dataset.created ?? ""));
    return older ?? this.list.querySelector(".more");
  }

  /** @param {HTMLElement} row */
  #place(row) {
    const old = document.getElementById(row.id);
    if (old) replace(old, row);
    else if (!new URLSearchParams(location.search).has("q")) this.list.insertBefore(row, this.#firstOlderThan(row));
    // @ts-ignore: htmx is a classic script
    window.htmx?.process(row);
  }
}

/**
 * Focus and open details stay as they were.
 * @param {HTMLElement} old
 * @param {HTMLElement} row
 */
function replace(old, row) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const act = focused?.getAttribute("data-act");
  const wasOpen = old.querySelector("details")?.open ?? false;
  const ended = old.dataset.final === "false" && row.dataset.final === "true";
  old.replaceWith(row);
  const details = row.querySelector("details");
  if (details) details.open = wasOpen;
  const again = act ? row.querySelector(`[data-act=${act}]`) : focused && row.querySelector("a");
  if (again instanceof HTMLElement) again.focus();
  if (ended) announce(`${row.querySelector(".row-name")?.textContent}: ${row.querySelector(".row-standing")?.textContent}`);
}
