// Sentences above the list that stay until dismissed; a newer one about the same takes the place of the older.

const place = /** @type {HTMLElement} */ (document.getElementById("notes"));
const template = /** @type {HTMLTemplateElement} */ (document.getElementById("note"));

/**
 * @param {string} about
 * @param {string} sentence
 */
export function note(about, sentence) {
  const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const element = /** @type {HTMLElement} */ (fragment.firstElementChild);
  element.dataset.about = about;
  /** @type {HTMLElement} */ (element.querySelector("span")).textContent = sentence;
  element.querySelector("button")?.addEventListener("click", () => element.remove());
  const old = place.querySelector(`[data-about="${about}"]`);
  if (old) old.replaceWith(element);
  else place.append(element);
}
