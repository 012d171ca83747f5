// What can be opened beside the pages, one at a time: the contents, small pictures, and finding words.
import { Near } from "./near.js";

const SMALL_PX = 200;

export class Drawers {
  /** @param {HTMLElement} room */
  constructor(room) {
    this.room = room;
    this.buttons = /** @type {HTMLElement[]} */ ([...room.querySelectorAll("[data-drawer]")]);
    for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button.dataset.drawer ?? ""));
    room.addEventListener("keydown", (event) => {
      const drawer = /** @type {Element} */ (event.target).closest(".drawer");
      if (event.key === "Escape" && drawer) this.close();
    });
  }

  /** @param {string} name */
  toggle(name) {
    const drawer = document.getElementById(name);
    if (!drawer) return;
    if (!drawer.hidden) return this.close();
    this.close();
    drawer.hidden = false;
    this.#button(name)?.setAttribute("aria-expanded", "true");
    void this.#fill(drawer);
    /** @type {HTMLElement | null} */ (drawer.querySelector("input"))?.focus();
  }

  /** Close what is open; the focus goes back to its button when it was inside. */
  close() {
    for (const drawer of /** @type {NodeListOf<HTMLElement>} */ (this.room.querySelectorAll(".drawer:not([hidden])"))) {
      const button = this.#button(drawer.id);
      if (drawer.contains(document.activeElement)) button?.focus();
      drawer.hidden = true;
      button?.setAttribute("aria-expanded", "false");
    }
  }

  /** @param {string} name */
  #button(name) {
    return this.buttons.find((button) => button.dataset.drawer === name);
  }

  /** @param {HTMLElement} drawer */
  async #fill(drawer) {
    if (drawer.dataset.url && !drawer.dataset.filled) {
      const response = await fetch(drawer.dataset.url).catch(() => null);
      if (!response?.ok) return;
      drawer.dataset.filled = "true";
      drawer.innerHTML = await response.text();
    }
    if (drawer.id === "thumbs" && !drawer.dataset.filled) fillThumbs(drawer);
    drawer.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
  }
}

/** @param {HTMLElement} drawer */
function fillThumbs(drawer) {
  drawer.dataset.filled = "true";
  const template = /** @type {HTMLTemplateElement} */ (drawer.querySelector("template"));
  const near = new Near({ box: drawer, margin: "400px 0px", fill: draw, empty: () => {} });
  for (const sheet of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#text .paper"))) {
    const link = /** @type {HTMLAnchorElement} */ (template.content.firstElementChild?.cloneNode(true));
    const number = sheet.dataset.page ?? "";
    link.dataset.page = number;
    link.href = `?page=${number}#page-${number}`;
    link.style.setProperty("--width", sheet.dataset.width ?? "");
    link.style.setProperty("--height", sheet.dataset.height ?? "");
    link.append(number);
    link.setAttribute("aria-label", sheet.getAttribute("aria-label") ?? number);
    drawer.append(link);
  }
  near.watch(drawer.querySelectorAll("a"));
  const reading = /** @type {HTMLInputElement | null} */ (document.getElementById("go-page"));
  drawer.querySelector(`[data-page="${Number(reading?.value)}"]`)?.setAttribute("aria-current", "page");

  /** @param {HTMLElement} link */
  function draw(link) {
    const picture = /** @type {HTMLImageElement} */ (link.querySelector("img"));
    picture.src ||= `${drawer.dataset.pagesUrl}${link.dataset.page}/image/?width=${SMALL_PX}`;
  }
}
