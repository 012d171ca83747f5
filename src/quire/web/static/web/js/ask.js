// The page that asks all documents, or chosen ones: citations are links to their documents.
import { listenForKeys } from "./keys.js";
import { neighbour } from "./quotes.js";
import { talk } from "./talk.js";

const chat = talk();

/**
 * To the next citation, or the one before, and its quote; Enter opens it.
 * @param {1 | -1} way
 */
function stepCitation(way) {
  const link = neighbour(way);
  if (!link) return;
  document.querySelector("a.cite[aria-current]")?.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  link.scrollIntoView({ block: "nearest" });
  requestAnimationFrame(() => link.focus({ preventScroll: true })); // what scrolls hides the quote, which the focus shows
}

const help = document.getElementById("keys");
if (help instanceof HTMLDialogElement)
  listenForKeys({ n: () => stepCitation(1), p: () => stepCitation(-1), "/": () => chat?.question.focus() }, help);
