// What goes along to the page that asks other documents: the question as it is typed, and the way back to the document.
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
    if (!(/** @type {Element} */ (event.target).closest("[data-keep-question]"))) return;
    const name = document.querySelector(".room-head h1")?.textContent;
    /** @type {Along} */
    const along = { question: box ? box.value : came.question, back: name ? { href: location.href, name } : back };
    sessionStorage.setItem(KEY, JSON.stringify(along));
  });
}
