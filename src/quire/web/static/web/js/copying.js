// Copies an answer with what it cites: as text with [1] and a list of sources, and as the same in HTML.
import { copy } from "./copied.js";

/** @param {HTMLElement} list  of exchanges */
export function offerCopying(list) {
  list.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-act=copy-answer]");
    const exchange = button?.closest(".exchange");
    if (!(button instanceof HTMLElement) || !exchange) return;
    void copy({ "text/plain": plain(exchange), "text/html": html(exchange) }, button);
  });
}

/**
 * @param {Element} exchange
 * @returns {Map<string, HTMLAnchorElement>}  by number, each once
 */
function citations(exchange) {
  const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (exchange.querySelectorAll(".answer a.cite"));
  return new Map([...links].map((link) => [link.textContent ?? "", link]));
}

/**
 * The answer with its numbers in brackets.
 * @param {Element} exchange
 */
function answerOf(exchange) {
  const answer = /** @type {HTMLElement} */ (exchange.querySelector(".answer")?.cloneNode(true));
  for (const link of answer.querySelectorAll("a.cite")) link.replaceWith(`[${link.textContent}]`);
  return (answer.textContent ?? "").replaceAll("\u00a0", " "); // which kept a number with its words
}

/** @param {Element} exchange */
function plain(exchange) {
  const sources = [...citations(exchange)].map(
    ([number, { dataset, href }]) => `[${number}] ${dataset.where}${dataset.quote && `: “${dataset.quote}”`}\n    ${href}`,
  );
  return [answerOf(exchange), sources.join("\n")].filter(Boolean).join("\n\n");
}

/** @param {Element} exchange */
function html(exchange) {
  const whole = document.createElement("div");
  for (const lines of answerOf(exchange).split(/\n{2,}/)) {
    const paragraph = document.createElement("p");
    paragraph.textContent = lines;
    whole.append(paragraph);
  }
  const list = document.createElement("ol");
  for (const [, { dataset, href }] of citations(exchange)) {
    const item = document.createElement("li");
    const link = Object.assign(document.createElement("a"), { href, textContent: dataset.where });
    item.append(link, dataset.quote ? `: “${dataset.quote}”` : "");
    list.append(item);
  }
  if (list.firstChild) whole.append(list);
  return whole.outerHTML;
}
