// The pages of text: fetched as they near, and shown with a citation's words marked.
import { calm } from "./calm.js";

const AHEAD = "1200px";

export class Sheets {
  /**
   * @param {HTMLElement} box  what scrolls
   * @param {(number: string) => void} onPage  told which page is being read
   */
  constructor(box, onPage) {
    this.box = box;
    this.reading = new IntersectionObserver(
      (entries) => entries.forEach((e) => e.isIntersecting && onPage(/** @type {HTMLElement} */ (e.target).dataset.page ?? "")),
      { root: box, rootMargin: "-35% 0px -65% 0px" },
    );
    for (const sheet of box.querySelectorAll("[data-page]")) this.reading.observe(sheet);
    this.observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#near(entry)), {
      root: box,
      rootMargin: AHEAD,
    });
    for (const sheet of box.querySelectorAll("[data-from]")) this.observer.observe(sheet);
    box.querySelector("mark")?.scrollIntoView({ block: "center" });
  }

  /**
   * Bring a citation's words into view, marked; the old mark goes.
   * @param {URL} url  of this document's page: `?page=…&mark=…#page-…`
   */
  async show(url) {
    const number = url.searchParams.get("page") ?? "1";
    this.#unmark();
    const sheet = document.getElementById(`page-${number}`);
    if (!sheet) return;
    const fresh = await this.#load(sheet, `${location.pathname}pages/${number}/${url.search}`);
    const mark = fresh?.querySelector("mark");
    (mark ?? fresh)?.scrollIntoView({ block: mark ? "center" : "start", behavior: calm() });
    if (mark) {
      mark.tabIndex = -1;
      mark.focus({ preventScroll: true });
    }
  }

  /** @param {IntersectionObserverEntry} entry */
  #near(entry) {
    const sheet = /** @type {HTMLElement} */ (entry.target);
    if (!entry.isIntersecting || !sheet.dataset.from) return;
    this.observer.unobserve(sheet);
    void this.#load(sheet, sheet.dataset.from);
  }

  /**
   * @param {HTMLElement} sheet
   * @param {string} url
   * @returns {Promise<HTMLElement | null>}  what now stands in its place
   */
  async #load(sheet, url) {
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) {
      // Looked at again when it is next scrolled to.
      if (sheet.dataset.from) setTimeout(() => this.observer.observe(sheet), 2000);
      return sheet;
    }
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    const fresh = /** @type {HTMLElement | null} */ (holder.content.querySelector("[data-page]"));
    const current = document.getElementById(sheet.id);
    if (!fresh) return null;
    current?.replaceWith(fresh);
    this.reading.observe(fresh);
    return fresh;
  }

  #unmark() {
    for (const mark of this.box.querySelectorAll("mark")) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent?.normalize();
    }
  }
}
