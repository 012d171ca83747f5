// Gives a document another file; what it holds answers until the new content is complete.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { problemSentence } from "./problem.js";
import { said } from "./said.js";

/** @param {HTMLFormElement} form */
export function offerReplacing(form) {
  const chooser = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
  const told = /** @type {HTMLElement} */ (document.getElementById("replace-told"));
  chooser.disabled = false; // it is sent disabled, since nothing listens before

  /** @param {string} sentence */
  function say(sentence) {
    told.textContent = sentence;
    told.hidden = !sentence;
  }

  chooser.addEventListener("change", async () => {
    const file = chooser.files?.[0];
    chooser.value = "";
    if (!file) return;
    if (!file.size) return say(said("empty"));
    if (file.size > Number(form.dataset.maxBytes)) return say(said("too-large"));
    say(said("sending-file", { name: file.name }));
    chooser.disabled = true;
    const sentence = await put(form.dataset.url ?? "", file);
    chooser.disabled = false;
    if (sentence) return say(sentence);
    announce(said("sent"));
    location.reload();
  });
}

/**
 * @param {string} url
 * @param {File} file
 * @returns {Promise<string>}  what keeps it from being taken; empty when the work on it has begun
 */
async function put(url, file) {
  const form = new FormData();
  form.append("file", file);
  const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json" };
  const response = await fetch(url, { method: "PUT", headers, body: form }).catch(() => null);
  if (!response) return said("not-replaced");
  if (!response.ok) return problemSentence(await response.text());
  return response.status === 200 ? said("same-file") : "";
}
