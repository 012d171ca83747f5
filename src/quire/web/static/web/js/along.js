// What goes along to the page that asks other documents: the question as it is typed, and the way back to the document;
// and to the document that an answer from several leads to: the way back to that answer.
import { filled } from "./said.js";

const KEY = "quire-along";

/**
 * @typedef {object} Along
 * @property {string} question
 * @property {{href: string, name: string} | null} [back]
 */

/**
 * @param {HTMLTextAreaElement | null} box  none where nothing can be asked: what came goes on from there
 */
export function goAlong(box) {
  /** @type {Along} */
  const came = JSON.parse(sessionStorage.getItem(KEY) ?? '{"question": ""}');
  sessionStorage.removeItem(KEY);
  if (box) box.value ||= came.question;
  const back = came.back ?? history.state?.back ?? null;
  const link = document.getElementById("back");
  if (link instanceof HTMLAnchorElement && back) {
    history.replaceState({ ...history.state, back }, ""); // a reload keeps it
    link.href = back.href;
    link.textContent = filled(link.dataset.said ?? "", back);
    link.hidden = false;
  }
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // it opens beside this one
    const target = /** @type {Element} */ (event.target);
    const name = document.querySelector(".room-head h1")?.textContent;
    const here = location.href.replace(location.hash, "");
    const exchange = name ? null : target.closest("a[data-document]")?.closest(".exchange");
    if (exchange) return keep({ question: "", back: { href: `${here}#${exchange.id}`, name: "" } });
    if (!target.closest("[data-keep-question]")) return;
    const way = name ? { href: location.href, name } : back;
    keep({ question: box ? box.value : came.question, back: target.closest("#back") ? null : way });
  });
}

/** @param {Along} along */
function keep(along) {
  sessionStorage.setItem(KEY, JSON.stringify(along));
}
