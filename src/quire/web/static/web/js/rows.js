// Keeps the rows of the library as the server has them: each change is asked for as HTML and put in its place.
import { announce } from "./announce.js";
import { said } from "./said.js";

const GATHER_MS = 300;
const AT_ONCE = 50;
const PATIENCE_MS = 10_000;
const LINE_MS = 5_000;

export class Rows {
  /** @type {Set<string>} */
  #wanted = new Set();
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {string} url
   * @param {() => void} onPlaced  told when rows came or changed
   */
  constructor(url, onPlaced) {
    this.url = url;
    this.onPlaced = onPlaced;
    setInterval(() => this.#lookAtLine(), LINE_MS);
  }

  /** It is another one after another filter was chosen. */
  get list() {
    return /** @type {HTMLElement} */ (document.getElementById("uploads"));
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

  /** Ask for what waits its turn, where it is in view: what moves it on becomes of others, and no event tells. */
  #lookAtLine() {
    if (document.hidden) return;
    const waiting = /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[data-waiting][data-document]"));
    const seen = [...waiting].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    if (seen.length) this.refresh(seen.map((row) => row.dataset.document ?? ""));
  }

  /** @param {string[]} ids */
  async #fetch(ids) {
    const query = new URLSearchParams([["q", this.list.dataset.q ?? ""], ...ids.map((id) => ["id", id])]);
    const signal = AbortSignal.timeout(PATIENCE_MS); // one that never ends would hold a connection
    const response = await fetch(`${this.url}?${query}`, { signal }).catch(() => null);
    if (!response?.ok) return;
    if (response.redirected) return location.reload();
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    for (const filter of holder.content.querySelectorAll("a[id]")) this.#count(filter);
    const fresh = /** @type {HTMLElement[]} */ ([...holder.content.querySelectorAll("[data-document]")]);
    const placed = fresh.reverse().filter((row) => this.#place(row));
    const there = new Set(fresh.map((row) => row.dataset.document));
    for (const id of ids) if (!there.has(id)) document.getElementById(`document-${id}`)?.remove();
    if (placed.length) this.onPlaced();
  }

  /** @param {Element} filter  as it is now */
  #count(filter) {
    const shown = document.querySelector(`#${filter.id} [data-count]`);
    const count = filter.querySelector("[data-count]")?.textContent ?? "";
    if (shown && shown.textContent !== count) shown.textContent = count;
  }

  /**
   * @param {HTMLElement} row
   * @returns {boolean}  whether it came into the page
   */
  #place(row) {
    const old = document.getElementById(row.id);
    if (old?.dataset.busy) return false; // somebody is writing in it
    if (old && shown(old) === shown(row)) return false; // a selection in it, or a press on it, goes on
    if (old) replace(old, row);
    else if (this.#isWanted(row)) this.list.insertBefore(row, this.#next(row));
    else return false;
    // @ts-ignore: htmx is a classic script
    window.htmx?.process(row);
    return true;
  }

  /** Whether a row that is not there belongs into the list that is shown. @param {HTMLElement} row */
  #isWanted(row) {
    const { q, status, isLater } = this.list.dataset;
    return !q && isLater === undefined && (!status || status === row.dataset.status);
  }

  /** Before what it goes: by age, or first where names or sizes order the list. @param {HTMLElement} row */
  #next(row) {
    if (this.list.dataset.sort !== "newest") return this.list.firstElementChild;
    for (let other = this.list.firstElementChild; other instanceof HTMLElement; other = other.nextElementSibling)
      if (other.classList.contains("more") || (other.dataset.created ?? "9") < (row.dataset.created ?? "")) return other;
    return null;
  }
}

/**
 * The document's name, as the row has it.
 * @param {Element} row
 */
export const nameOf = (row) => row.querySelector(".row-name")?.textContent ?? "";

/**
 * What a row says, and not how it is shown; nor what is other each time, or for browsers without script only.
 * @param {HTMLElement} row
 */
function shown(row) {
  const copy = /** @type {HTMLElement} */ (row.cloneNode(true));
  for (const part of copy.querySelectorAll("noscript, [name=csrfmiddlewaretoken]")) part.remove();
  for (const name of ["class", "hidden"]) copy.removeAttribute(name);
  copy.querySelector("details")?.removeAttribute("open");
  return copy.outerHTML.replaceAll(/\s+/g, " ");
}

/**
 * Focus, open details and what is hidden stay as they were.
 * @param {HTMLElement} old
 * @param {HTMLElement} row
 */
function replace(old, row) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const act = focused?.getAttribute("data-act");
  const wasOpen = old.querySelector("details")?.open ?? false;
  const ended = old.dataset.final === "false" && row.dataset.final === "true";
  row.hidden = old.hidden;
  old.replaceWith(row);
  const details = row.querySelector("details");
  if (details) details.open = wasOpen;
  const again = (act && row.querySelector(`[data-act=${act}]`)) ?? (focused && row.querySelector("a"));
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  if (!ended || row.hidden) return;
  const standing = row.querySelector(".row-standing")?.textContent?.replaceAll(/\s+/g, " ").trim() ?? "";
  announce(said("now", { name: nameOf(row), standing }));
}
