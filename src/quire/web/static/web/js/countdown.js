// Keeps sentences true that name a moment: seconds are counted down, and an hour is that of the reader's clock.
import { filled } from "./said.js";

/** @type {WeakMap<Element, number>} */
const moments = new WeakMap();

function tick() {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-left]"))) {
    if (!moments.has(element)) moments.set(element, Date.now() + 1000 * Number(element.dataset.left));
    const moment = moments.get(element) ?? 0;
    const s = Math.max(0, Math.ceil((moment - Date.now()) / 1000));
    const time = new Date(moment).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    const sentence = filled(element.dataset.said ?? "", { s, time });
    if (element.textContent !== sentence) element.textContent = sentence;
  }
}

setInterval(tick, 1000);
new MutationObserver(tick).observe(document.body, { childList: true, subtree: true });
tick();
