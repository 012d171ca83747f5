// Renames a document where its name stands: Enter saves, Escape leaves it as it was.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { problemSentence } from "./problem.js";
import { nameOf } from "./rows.js";
import { said } from "./said.js";

/**
 * @param {HTMLElement} row
 * @param {object} options
 * @param {string} options.url  of the documents
 * @param {HTMLTemplateElement} options.template
 * @param {(id: string) => void} options.onRenamed
 */
export function rename(row, { url, template, onRenamed }) {
  if (row.dataset.busy) return;
  const id = row.dataset.document ?? "";
  const link = /** @type {HTMLElement} */ (row.querySelector("a.row-name"));
  const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const form = /** @type {HTMLFormElement} */ (fragment.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  const told = /** @type {HTMLElement} */ (form.querySelector(".alert"));
  input.value = nameOf(row);
  row.dataset.busy = "rename";
  link.hidden = true;
  link.before(form);
  input.focus();
  const stem = input.value.lastIndexOf(".");
  input.setSelectionRange(0, stem > 0 ? stem : input.value.length);

  function end() {
    delete row.dataset.busy;
    form.remove();
    link.hidden = false;
    link.focus({ preventScroll: true });
    onRenamed(id);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name || name === nameOf(row)) return end();
    const answer = await fetch(`${url}${id}/`, {
      method: "PATCH",
      headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/json" },
      body: JSON.stringify({ name }),
    }).catch(() => null);
    told.textContent = answer?.ok ? "" : answer ? problemSentence(await answer.text()) : said("unreachable");
    told.hidden = !told.textContent;
    if (!answer?.ok) return;
    const renamed = await answer.json();
    /** @type {HTMLElement} */ (link.firstElementChild ?? link).textContent = renamed.name;
    announce(said("renamed", { name: renamed.name }));
    end();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    end();
  });
  form.querySelector("[data-act=keep]")?.addEventListener("click", end);
}
