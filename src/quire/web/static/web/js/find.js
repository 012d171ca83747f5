// Finds words in the whole document: the server looks, and each place is a link to its words.

const LATER_MS = 250;

export class Find {
  #turn = 0;
  #timer = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {(link: HTMLAnchorElement) => void} onPlace  told which place to show
   */
  constructor(form, onPlace) {
    this.form = form;
    this.onPlace = onPlace;
    this.words = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
    this.found = /** @type {HTMLElement} */ (document.getElementById("found"));
    this.words.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#look(), LATER_MS);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearTimeout(this.#timer);
      if (this.found.dataset.words !== this.words.value) await this.#look();
      this.step(1);
    });
    for (const button of form.querySelectorAll("[data-step]"))
      button.addEventListener("click", () => this.step(Number(button.getAttribute("data-step"))));
    this.words.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.shiftKey) return;
      event.preventDefault();
      this.step(-1);
    });
  }

  /** @param {number} way  1 or -1: round and round */
  step(way) {
    const links = /** @type {HTMLAnchorElement[]} */ ([...this.found.querySelectorAll("a")]);
    if (!links.length) return;
    const now = links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[now < 0 ? (way > 0 ? 0 : links.length - 1) : (now + way + links.length) % links.length];
    next.scrollIntoView({ block: "nearest" });
    this.onPlace(next);
  }

  async #look() {
    const turn = ++this.#turn;
    const words = this.words.value;
    const response = await fetch(`${this.form.action}?q=${encodeURIComponent(words)}`).catch(() => null);
    if (!response?.ok || turn !== this.#turn) return;
    this.found.innerHTML = await response.text();
    this.found.dataset.words = words;
  }
}
