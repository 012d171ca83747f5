// What unfolds above the conversation, one at a time, by a button that says whether it is open.

/**
 * @param {HTMLElement} root
 */
export function panels(root) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...root.querySelectorAll("[data-panel]")]);
  const panelOf = (/** @type {HTMLElement} */ button) =>
    /** @type {HTMLElement} */ (document.getElementById(button.dataset.panel ?? ""));

  /**
   * @param {HTMLElement} button
   * @param {boolean} isOpen
   */
  function set(button, isOpen) {
    const panel = panelOf(button);
    if (!isOpen && panel.contains(document.activeElement)) button.focus({ preventScroll: true });
    panel.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    panel.dispatchEvent(new Event("opened", { bubbles: true }));
    panel.querySelector("input")?.focus();
  }

  for (const button of buttons) {
    button.disabled = false; // it is sent disabled, since nothing listens before
    button.addEventListener("click", () => {
      for (const each of buttons) set(each, each === button && panelOf(each).hidden);
    });
    panelOf(button).addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) set(button, false);
    });
  }
}
