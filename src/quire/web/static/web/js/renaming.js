// Renames a document, or a conversation, where its name stands: Enter saves, Escape leaves it as it was.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { whyRefused } from "./problem.js";
import { said } from "./said.js";

/**
 * @param {HTMLElement} row
 * @param {object} options
 * @param {string} options.url  of what is renamed
 * @param {"name" | "title"} [options.field]  where the API has the name
 * @param {HTMLTemplateElement} options.template
 * @param {() => void} options.onRenamed
 */
export function rename(row, { url, field = "name", template, onRenamed }) {
  if (row.dataset.busy) return;
  const link = /** @type {HTMLElement} */ (row.querySelector("a.row-name"));
  const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const form = /** @type {HTMLFormElement} */ (fragment.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  const told = /** @type {HTMLElement} */ (form.querySelector(".alert"));
  const before = (link.textContent ?? "").trim();
  input.value = before;
  row.dataset.busy = "rename";
  link.hidden = true;
  link.before(form);
  input.focus();
  const stem = field === "name" ? before.lastIndexOf(".") : 0;
  input.setSelectionRange(0, stem > 0 ? stem : input.value.length);

  function end() {
    delete row.dataset.busy;
    form.remove();
    link.hidden = false;
    link.focus({ preventScroll: true });
    onRenamed();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name || name === before) return end();
    const answer = await fetch(url, {
      method: "PATCH",
      headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/json" },
      body: JSON.stringify({ [field]: name }),
    }).catch(() => null);
    told.textContent = await whyRefused(answer);
    told.hidden = !told.textContent;
    if (!answer?.ok) return;
    const renamed = await answer.json();
    /** @type {HTMLElement} */ (link.firstElementChild ?? link).textContent = renamed[field];
    announce(said("renamed", { name: renamed[field] }));
    end();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    end();
  });
  form.querySelector("[data-act=keep]")?.addEventListener("click", end);
}
