// Single keys for what is done often. They can be turned off, for people whose voice or tremor types.

const OFF = "quire-keys-off";

/**
 * @param {Record<string, () => void>} acts  by key
 * @param {HTMLDialogElement} help  lists the keys, and holds the switch
 */
export function listenForKeys(acts, help) {
  const wanted = /** @type {HTMLInputElement} */ (help.querySelector("input"));
  wanted.checked = localStorage.getItem(OFF) === null;
  wanted.addEventListener("change", () => {
    if (wanted.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  document.getElementById("keys-open")?.addEventListener("click", () => help.showModal());
  const all = { ...acts, "?": () => help.showModal() };
  document.addEventListener("keydown", (event) => {
    if (!wanted.checked || event.ctrlKey || event.metaKey || event.altKey || help.open || isTyping(event)) return;
    const act = all[/** @type {keyof typeof all} */ (event.key)];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  return event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
}
