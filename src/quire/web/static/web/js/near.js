// Fills what nears the view of a scrolling box and empties what has left it: however long it is, few hold anything.

// What is passed by in a hurry is not filled.
const SETTLE_MS = 120;

export class Near {
  /** @type {Map<Element, number>} */
  #waiting = new Map();

  /**
   * @param {object} options
   * @param {HTMLElement} options.box  what scrolls
   * @param {string} options.margin  how far ahead, as an observer's `rootMargin`
   * @param {(element: HTMLElement) => void} options.fill
   * @param {(element: HTMLElement) => void} options.empty
   */
  constructor({ box, margin, fill, empty }) {
    this.fill = fill;
    this.empty = empty;
    this.observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), {
      root: box,
      rootMargin: margin,
    });
  }

  /** @param {Iterable<Element>} elements */
  watch(elements) {
    for (const element of elements) this.observer.observe(element);
  }

  /** @param {IntersectionObserverEntry} entry */
  #moved({ target, isIntersecting }) {
    const element = /** @type {HTMLElement} */ (target);
    clearTimeout(this.#waiting.get(element));
    this.#waiting.delete(element);
    if (!isIntersecting) return this.empty(element);
    const timer = setTimeout(() => {
      this.#waiting.delete(element);
      this.fill(element);
    }, SETTLE_MS);
    this.#waiting.set(element, timer);
  }
}
