// What a citation says, beside it while the pointer or the focus is on it; and the way from one citation to the next.

const LATER_MS = 150;

export class Quotes {
  /** @type {HTMLElement | null} */
  #of = null;
  #timer = 0;

  /** @param {HTMLElement} tip  the popover that shows a quote */
  constructor(tip) {
    this.tip = tip;
    for (const type of ["pointerover", "focusin"]) document.addEventListener(type, (event) => this.#entered(event));
    for (const type of ["pointerout", "focusout"]) document.addEventListener(type, (event) => this.#left(event));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    const scrolled = (/** @type {Event} */ event) => /** @type {Node} */ (event.target).contains(this.#of) && this.hide();
    document.addEventListener("scroll", scrolled, { capture: true, passive: true });
  }

  hide() {
    clearTimeout(this.#timer);
    this.#of?.removeAttribute("aria-describedby");
    this.#of = null;
    if (this.tip.matches(":popover-open")) this.tip.hidePopover();
  }

  /** @param {Event} event */
  #entered(event) {
    const target = /** @type {Element} */ (event.target);
    if (this.tip.contains(target)) return clearTimeout(this.#timer);
    const link = /** @type {HTMLElement | null} */ (target.closest?.("a[data-quote]"));
    if (!link) return;
    clearTimeout(this.#timer);
    if (link === this.#of) return;
    if (event.type === "focusin" && !link.matches(":focus-visible")) return;
    this.#timer = setTimeout(() => this.#show(link), event.type === "focusin" ? 0 : LATER_MS);
  }

  /** @param {Event} event */
  #left(event) {
    const next = /** @type {FocusEvent | PointerEvent} */ (event).relatedTarget;
    if (next instanceof Node && (this.tip.contains(next) || this.#of?.contains(next))) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), LATER_MS);
  }

  /** @param {HTMLElement} link */
  #show(link) {
    this.hide();
    this.#of = link;
    for (const name of ["where", "quote"]) {
      const place = /** @type {HTMLElement} */ (this.tip.querySelector(`[data-tip=${name}]`));
      place.textContent = link.dataset[name] ?? "";
      place.hidden = !place.textContent;
    }
    /** @type {HTMLElement} */ (this.tip.querySelector("[data-tip=unverified]")).hidden = !("unverified" in link.dataset);
    link.setAttribute("aria-describedby", this.tip.id);
    this.tip.showPopover();
    this.#place(link.getBoundingClientRect());
  }

  /** @param {DOMRect} at */
  #place(at) {
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const left = Math.min(Math.max(8, at.left - width / 2), innerWidth - width - 8);
    const above = at.top - height - 6;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${above > 8 ? above : at.bottom + 6}px`;
  }
}

/**
 * The citation after the one that is shown, or before it; none at the end.
 * @param {1 | -1} way
 * @returns {HTMLAnchorElement | null}
 */
export function neighbour(way) {
  const all = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".chat .answer a.cite")]);
  const now = all.findIndex((link) => link.hasAttribute("aria-current"));
  if (now >= 0) return all[now + way] ?? null;
  const newest = all[all.length - 1]?.closest(".exchange");
  return all.find((link) => link.closest(".exchange") === newest) ?? null;
}
