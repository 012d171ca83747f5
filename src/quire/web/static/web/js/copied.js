// Copies, and says on the button that it did, or that the browser did not let it.
import { announce } from "./announce.js";

const COPIED_MS = 2000;
const REFUSED_MS = 6000;

/**
 * @param {Record<string, string>} kinds  the same, by media type
 * @param {HTMLElement} button
 */
export async function copy(kinds, button) {
  if (button.dataset.was) return;
  const isCopied = await write(kinds).catch(() => false);
  const { copied = "", notCopied = "" } = document.body.dataset;
  button.dataset.was = button.textContent ?? "";
  button.textContent = isCopied ? "✓" : notCopied;
  announce(isCopied ? copied : notCopied);
  const end = () => {
    button.textContent = button.dataset.was ?? "";
    delete button.dataset.was;
  };
  setTimeout(end, isCopied ? COPIED_MS : REFUSED_MS);
}

/**
 * @param {Record<string, string>} kinds
 * @returns {Promise<boolean>}  whether it is copied
 */
async function write(kinds) {
  if (navigator.clipboard) {
    const blobs = Object.entries(kinds).map(([type, content]) => [type, new Blob([content], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    return true;
  }
  // Where the address is not https a browser has no other way.
  const onCopy = (/** @type {ClipboardEvent} */ event) => {
    event.preventDefault();
    for (const [type, content] of Object.entries(kinds)) event.clipboardData?.setData(type, content);
  };
  document.addEventListener("copy", onCopy);
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", onCopy);
  return isCopied;
}
