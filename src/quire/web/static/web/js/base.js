// What every page does: copy buttons, questions before what cannot be undone, and fragments that could not be fetched.
import { announce } from "./announce.js";
import { copy } from "./copied.js";

const said = document.body.dataset;

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (!(button instanceof HTMLElement)) return;
  const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
  void copy({ "text/plain": text }, button);
});

document.addEventListener("submit", (event) => {
  const question = /** @type {HTMLFormElement} */ (event.target).dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("htmx:responseError", () => announce(said.refused ?? ""));
document.addEventListener("htmx:sendError", () => announce(said.unreachable ?? ""));
