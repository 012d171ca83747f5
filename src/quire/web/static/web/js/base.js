// What every page does: copy buttons, and fragments that could not be fetched.
import { announce } from "./announce.js";

document.addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (!(button instanceof HTMLElement)) return;
  const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
  await navigator.clipboard.writeText(text);
  button.textContent = "✓";
  announce("Copied");
});

document.addEventListener("htmx:responseError", () => announce("That did not work. Reload the page and try again."));
document.addEventListener("htmx:sendError", () => announce("The server cannot be reached."));
