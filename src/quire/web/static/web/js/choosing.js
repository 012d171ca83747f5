// What was chosen stays chosen, whatever is looked for next, also what was chosen while the answer was on its way.
import { announce } from "./announce.js";

/** @param {HTMLElement} picker  whose list of boxes htmx exchanges */
export function keepChosen(picker) {
  /** @type {HTMLInputElement[]} */
  let before = [];
  const boxes = () => /** @type {HTMLInputElement[]} */ ([...picker.querySelectorAll("input[type=checkbox]")]);

  // None is all of them, in a conversation of its own: without a word the address would lead to the last one.
  picker.addEventListener("formdata", ({ formData }) => formData.has("document") || formData.append("new", ""));
  picker.addEventListener("htmx:beforeSwap", () => (before = boxes()));
  picker.addEventListener("htmx:afterSwap", () => {
    const now = new Map(boxes().map((box) => [box.value, box]));
    for (const old of before.reverse()) {
      const box = now.get(old.value);
      if (box) box.checked = old.checked;
      else if (old.checked) picker.querySelector("ul")?.prepend(/** @type {HTMLElement} */ (old.closest("li")));
    }
    announce(picker.querySelector("#choices .hint")?.textContent ?? "");
  });
}
