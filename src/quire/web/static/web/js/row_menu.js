// The one menu of all rows: it opens beside the button that was pressed, and speaks of that row.

const GAP_PX = 4;

export class RowMenu {
  /** @type {string} id of the row's element, which may be another element by the time the menu closes */
  #row = "";
  /** Not an attribute: what htmx copies for the browser's history would carry it, which the page's policy refuses. */
  #place = new CSSStyleSheet();

  /**
   * @param {HTMLElement} menu
   * @param {object} options
   * @param {string} options.url  of the documents
   * @param {(act: string, row: HTMLElement) => void} options.onAct
   */
  constructor(menu, { url, onAct }) {
    this.menu = menu;
    this.url = url;
    document.adoptedStyleSheets.push(this.#place);
    document.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("[data-act=menu]");
      if (button) this.#open(/** @type {HTMLElement} */ (button));
    });
    menu.addEventListener("keydown", (event) => this.#move(event));
    menu.addEventListener("click", (event) => {
      const act = /** @type {Element} */ (event.target).closest("[data-do]")?.getAttribute("data-do");
      const row = document.getElementById(this.#row);
      if (!act) return;
      menu.hidePopover();
      if (row && act !== "original") onAct(act, row);
    });
  }

  /** @param {HTMLElement} button */
  #open(button) {
    const row = /** @type {HTMLElement} */ (button.closest(".row"));
    this.#row = row.id;
    this.#item("original").setAttribute("href", `${this.url}${row.dataset.document}/file/`);
    this.#item("retry").hidden = !row.hasAttribute("data-retryable");
    this.menu.showPopover();
    const box = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.menu;
    const fitsBelow = box.bottom + GAP_PX + height <= innerHeight;
    const top = fitsBelow ? box.bottom + GAP_PX : Math.max(GAP_PX, box.top - GAP_PX - height);
    const isMirrored = getComputedStyle(this.menu).direction === "rtl";
    const left = isMirrored ? box.left : box.right - width;
    this.#place.replaceSync(`#${this.menu.id} { top: ${top + scrollY}px; left: ${Math.max(GAP_PX, left) + scrollX}px; }`);
    this.#items()[0]?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const items = this.#items();
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab" || event.key === "Escape") {
      event.preventDefault();
      this.menu.hidePopover();
      this.#back();
    }
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length)?.focus();
  }

  #back() {
    const button = document.getElementById(this.#row)?.querySelector("[data-act=menu]");
    if (button instanceof HTMLElement) button.focus({ preventScroll: true });
  }

  /** @returns {HTMLElement[]} */
  #items() {
    return [...this.menu.querySelectorAll("[data-do]:not([hidden])")].map((item) => /** @type {HTMLElement} */ (item));
  }

  /** @param {string} act */
  #item(act) {
    return /** @type {HTMLElement} */ (this.menu.querySelector(`[data-do=${act}]`));
  }
}
