// How large pages are shown: as wide as there is room, or at a part of their size on paper.

const STEPS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];
const CSS_PX_PER_POINT = 96 / 72;

export class Zoom {
  /** @type {number | null} */
  #factor = null;

  /**
   * @param {import("./pages.js").Pages} pages
   * @param {HTMLElement} tools  that hold the buttons
   */
  constructor(pages, tools) {
    this.pages = pages;
    this.told = /** @type {HTMLElement} */ (tools.querySelector("[data-zoom=fit]"));
    for (const button of tools.querySelectorAll("[data-zoom]"))
      button.addEventListener("click", () => this.step(button.getAttribute("data-zoom") ?? "fit"));
  }

  /** @param {string} way  "in", "out" or "fit" */
  step(way) {
    const now = this.#factor ?? this.#fitted();
    let next = null;
    if (way === "in") next = STEPS.find((step) => step > now * 1.02) ?? STEPS[STEPS.length - 1];
    if (way === "out") next = STEPS.findLast((step) => step < now * 0.98) ?? STEPS[0];
    this.#factor = next;
    this.pages.keepPlace(() => this.#apply());
  }

  #fitted() {
    const sheet = this.pages.sheets[Number(this.pages.current) - 1];
    return sheet.clientWidth / (Number(sheet.dataset.width) * CSS_PX_PER_POINT);
  }

  #apply() {
    const box = this.pages.box;
    box.classList.toggle("zoomed", this.#factor !== null);
    box.style.setProperty("--zoom", String((this.#factor ?? 1) * CSS_PX_PER_POINT));
    this.told.setAttribute("aria-pressed", String(this.#factor === null));
    this.told.textContent = this.#factor === null ? (this.told.dataset.fit ?? "") : `${Math.round(this.#factor * 100)} %`;
  }
}
