// The person's earlier conversations: a list in which each is renamed, exported, or deleted after a few seconds in which
// that can be undone.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { whyRefused } from "./problem.js";
import { rename } from "./renaming.js";
import { said } from "./said.js";

const URL_OF_ALL = "/api/conversations/";
const UNDO_MS = 7000;

export class Talks {
  /** @type {Map<HTMLElement, {id: string, row: HTMLElement, bringBack?: () => void, timer?: number}>} by its notice */
  #leaving = new Map();

  /**
   * @param {HTMLElement} panel  which has just been opened
   * @param {object} options
   * @param {() => string} options.shown  the id of the one that is shown
   * @param {() => (() => void) | undefined} options.leaveShown  called when that one is deleted; returns what undoes it
   */
  constructor(panel, { shown, leaveShown }) {
    this.panel = panel;
    this.shown = shown;
    this.leaveShown = leaveShown;
    const fill = () => void this.#fill(panel.dataset.url ?? "");
    panel.addEventListener("opened", fill);
    panel.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    window.addEventListener("pagehide", () => [...this.#leaving.keys()].forEach((notice) => void this.#send(notice)));
    fill();
  }

  /**
   * @param {string} url
   * @param {Element | null} [more]  the button whose place the following ones take
   */
  async #fill(url, more = null) {
    if (this.#leaving.size && !more) return; // what can still be undone stays as it is
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) return this.#missing(await whyRefused(response), more);
    if (response.redirected) return location.reload(); // signed out meanwhile
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    if (!more && (this.#leaving.size || this.panel.querySelector("form"))) return; // begun while this was on its way
    if (more) more.parentElement?.replaceWith(holder.content);
    else this.panel.replaceChildren(holder.content);
    this.#mark();
  }

  #mark() {
    this.panel.querySelector("a[aria-current]")?.removeAttribute("aria-current");
    this.panel.querySelector(`[data-conversation="${this.shown()}"] a`)?.setAttribute("aria-current", "true");
  }

  /**
   * @param {string} why
   * @param {Element | null} more
   */
  #missing(why, more) {
    announce(why);
    if (more) more.after(` ${why}`);
    else if (!this.#leaving.size) this.panel.textContent = why;
  }

  /** @param {Element} target */
  #clicked(target) {
    const more = target.closest("[data-more]");
    if (more) return void this.#fill(more.getAttribute("data-more") ?? "", more);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-conversation]"));
    const act = target.closest("[data-act]")?.getAttribute("data-act");
    if (row && act === "rename") this.#rename(row);
    if (row && act === "delete") this.#delete(row);
    if (act === "undo") this.#undo(/** @type {HTMLElement} */ (target.closest("li")));
  }

  /** @param {HTMLElement} row */
  #rename(row) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("rename-form"));
    rename(row, { url: `${URL_OF_ALL}${row.dataset.conversation}/`, field: "title", template, onRenamed: () => {} });
  }

  /** @param {HTMLElement} row */
  #delete(row) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("deleted-talk"));
    const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const notice = /** @type {HTMLElement} */ (fragment.querySelector("li"));
    const sentence = said("deleted", { name: row.querySelector(".row-name")?.textContent ?? "" });
    /** @type {HTMLElement} */ (notice.querySelector("p")).textContent = sentence;
    row.replaceWith(notice);
    const id = row.dataset.conversation ?? "";
    this.#leaving.set(notice, { id, row, bringBack: id === this.shown() ? this.leaveShown() : undefined });
    const start = () => this.#count(notice);
    for (const type of ["pointerleave", "focusout"]) notice.addEventListener(type, start);
    notice.addEventListener("pointerenter", () => clearTimeout(this.#leaving.get(notice)?.timer));
    notice.querySelector("button")?.focus({ preventScroll: true });
    announce(sentence);
    start();
  }

  /** @param {HTMLElement} notice */
  #count(notice) {
    const leaving = this.#leaving.get(notice);
    if (!leaving) return;
    clearTimeout(leaving.timer);
    leaving.timer = setTimeout(() => void this.#send(notice), UNDO_MS);
  }

  /** @param {HTMLElement} notice */
  #undo(notice) {
    const leaving = this.#leaving.get(notice);
    if (!leaving) return;
    clearTimeout(leaving.timer);
    this.#leaving.delete(notice);
    this.#putBack(notice, leaving);
    announce(said("undone"));
  }

  /**
   * @param {HTMLElement} notice
   * @param {{row: HTMLElement, bringBack?: () => void}} leaving
   */
  #putBack(notice, { row, bringBack }) {
    bringBack?.();
    notice.replaceWith(row);
    this.#mark();
    /** @type {HTMLElement | null} */ (row.querySelector("a.row-name"))?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} notice */
  async #send(notice) {
    const leaving = this.#leaving.get(notice);
    if (!leaving) return;
    clearTimeout(leaving.timer);
    this.#leaving.delete(notice);
    const headers = { "X-CSRFToken": csrfToken() };
    const url = `${URL_OF_ALL}${leaving.id}/`;
    const answer = await fetch(url, { method: "DELETE", headers, keepalive: true }).catch(() => null); // also as the page is left
    const why = answer?.status === 404 ? "" : await whyRefused(answer);
    if (why) {
      announce(said("not-deleted", { why }));
      return this.#putBack(notice, leaving);
    }
    if (notice.contains(document.activeElement)) this.panel.querySelector("a")?.focus({ preventScroll: true });
    notice.remove();
  }
}
