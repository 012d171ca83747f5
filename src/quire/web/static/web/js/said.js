// The page's sentences, as its template has them in the reader's language.

/** @type {Map<string, string>} */
const sentences = new Map();
const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("said"));
for (const element of template?.content.querySelectorAll("[data-say]") ?? []) {
  sentences.set(element.getAttribute("data-say") ?? "", element.textContent ?? "");
}
const plural = new Intl.PluralRules(document.documentElement.lang || "en");

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]  put in place of `{names}`
 * @returns {string}
 */
export function said(key, values = {}) {
  return filled(sentences.get(key) ?? "", values);
}

/**
 * The sentence that is right for a number.
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function saidOf(key, n, values = {}) {
  const exact = `${key}.${plural.select(n)}`;
  return said(sentences.has(exact) ? exact : `${key}.other`, { n, ...values });
}

/**
 * @param {string} sentence
 * @param {Record<string, string | number>} values
 * @returns {string}
 */
export function filled(sentence, values) {
  return sentence.replaceAll(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
