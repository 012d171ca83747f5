// The library page: files dropped, pasted or chosen are sent, and every row stays as the server has it.
import { announce } from "./announce.js";
import { watch } from "./live.js";
import { Rows } from "./rows.js";
import { Sending } from "./sending.js";

const drop = /** @type {HTMLFormElement} */ (document.getElementById("drop"));
const veil = /** @type {HTMLElement} */ (document.getElementById("veil"));
const lost = /** @type {HTMLElement} */ (document.getElementById("lost"));
const chooser = /** @type {HTMLInputElement} */ (document.getElementById("files"));
const uploads = /** @type {HTMLElement} */ (document.getElementById("uploads"));
const data = /** @type {Record<string, string>} */ (drop.dataset);

const rows = new Rows(uploads, data.rowsUrl);
const live = watch({
  url: data.eventsUrl,
  onChange: (ids) => rows.refresh(ids),
  isWanted: () => rows.isUnfinished,
  onLost: (isLost) => (lost.hidden = !isLost),
});
const sending = new Sending({
  url: data.ingestUrl,
  maxBytes: Number(data.maxBytes),
  list: /** @type {HTMLElement} */ (document.getElementById("sending")),
  template: /** @type {HTMLTemplateElement} */ (document.getElementById("sending-row")),
  onSent: async (sent) => {
    rows.refresh([sent.document.id]);
    await rows.flush();
    live.wake();
    if (sent.duplicate) showDuplicate(sent.document);
  },
});

/** @param {{id: string, name: string}} known */
function showDuplicate(known) {
  const row = document.getElementById(`document-${known.id}`);
  row?.classList.add("is-here");
  row?.scrollIntoView({ block: "nearest" });
  announce(`${known.name} is in the library already`);
}

chooser.addEventListener("change", () => {
  sending.add([...(chooser.files ?? [])]);
  chooser.value = "";
});
chooser.disabled = false; // it is sent disabled, since nothing listens before

/** @param {DragEvent} event */
const bringsFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
document.addEventListener("dragover", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  veil.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) veil.hidden = true;
});
document.addEventListener("drop", (event) => {
  veil.hidden = true;
  if (!bringsFiles(event)) return;
  event.preventDefault();
  sending.add([...(event.dataTransfer?.files ?? [])]);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) sending.add(files);
});
window.addEventListener("beforeunload", (event) => {
  if (sending.isBusy) event.preventDefault();
});
