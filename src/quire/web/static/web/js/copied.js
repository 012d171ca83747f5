// Shows on a button that what it copies is copied.
import { announce } from "./announce.js";

const COPIED_MS = 2000;

/** @param {HTMLElement} button */
export function showCopied(button) {
  if (button.dataset.was) return;
  button.dataset.was = button.textContent ?? "";
  button.textContent = "✓";
  announce(document.body.dataset.copied ?? "");
  setTimeout(() => {
    button.textContent = button.dataset.was ?? "";
    delete button.dataset.was;
  }, COPIED_MS);
}
