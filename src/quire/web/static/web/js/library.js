// The library page: files dropped, pasted or chosen are sent, and every row stays as the server has it.
import "./countdown.js";
import { announce } from "./announce.js";
import { Chosen } from "./chosen.js";
import { csrfToken } from "./csrf.js";
import { Deleting } from "./deleting.js";
import { filesDropped, filesOfFolder, suffixOf } from "./folders.js";
import { watch } from "./live.js";
import { note } from "./notes.js";
import { rename } from "./renaming.js";
import { RowMenu } from "./row_menu.js";
import { Rows } from "./rows.js";
import { said, saidOf } from "./said.js";
import { Sending } from "./sending.js";

const RETRIES_AT_ONCE = 3;
const STOPS = "#uploads .row:not([hidden]) :is(a.row-name, [data-act=undo])"; // of the arrow keys
const drop = part("drop");
const veil = part("veil");
const lost = part("lost");
const chooser = /** @type {HTMLInputElement} */ (part("files"));
const folder = /** @type {HTMLInputElement} */ (part("folder"));
const newFile = /** @type {HTMLInputElement} */ (part("new-file"));
const data = /** @type {Record<string, string>} */ (drop.dataset);
const suffixes = data.suffixes.split(",");

const rows = new Rows(data.rowsUrl, () => chosen.update());
const live = watch({
  url: data.eventsUrl,
  onChange: (ids) => rows.refresh(ids),
  isWanted: () => rows.isUnfinished,
  onLost: (isLost) => (lost.hidden = !isLost),
});
const sending = new Sending({
  url: data.ingestUrl,
  documentsUrl: data.documentsUrl,
  maxBytes: Number(data.maxBytes),
  list: part("sending"),
  template: template("sending-row"),
  onSent: async (sent) => {
    rows.refresh([sent.document.id]);
    await rows.flush();
    live.wake();
    if (sent.duplicate) showDuplicate(sent.document);
  },
});
const deleting = new Deleting({
  url: data.documentsUrl,
  template: template("deleted-row"),
  onGone: (ids) => {
    rows.refresh(ids);
    chosen.update();
  },
  onRefused: (sentence) => note("deleting", sentence),
});
const chosen = new Chosen({
  askUrl: data.askUrl,
  onDelete: (ids) => remove(ids),
  onRetry: (ids) => void retry(ids),
});
new RowMenu(part("row-menu"), { url: data.documentsUrl, onAct: act });

/** @param {string} id */
function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
function template(id) {
  return /** @type {HTMLTemplateElement} */ (document.getElementById(id));
}

/**
 * @param {string} what
 * @param {HTMLElement} row
 */
function act(what, row) {
  const id = row.dataset.document ?? "";
  if (what === "delete") remove([id]);
  if (what === "retry") void retry([id]);
  if (what === "rename")
    rename(row, {
      url: `${data.documentsUrl}${id}/`,
      template: template("rename-form"),
      onRenamed: () => rows.refresh([id]),
    });
  if (what === "replace") {
    newFile.dataset.id = id;
    newFile.dataset.name = row.querySelector(".row-name")?.textContent ?? "";
    newFile.click();
  }
}

/** @param {string[]} ids */
function remove(ids) {
  deleting.begin(ids);
  chosen.update();
}

/** @param {string[]} ids */
async function retry(ids) {
  const waiting = [...ids];
  const headers = { "X-CSRFToken": csrfToken() };
  const work = async () => {
    for (let id = waiting.shift(); id; id = waiting.shift()) {
      await fetch(`${data.documentsUrl}${id}/retry/`, { method: "POST", headers }).catch(() => null);
      rows.refresh([id]);
    }
  };
  await Promise.all(Array.from({ length: RETRIES_AT_ONCE }, work));
}

/** @type {Map<string, string>} names of what was in the library already, by id */
const duplicates = new Map();

/** @param {{id: string, name: string}} known */
function showDuplicate(known) {
  duplicates.set(known.id, known.name);
  part(`document-${known.id}`)?.classList.add("is-here");
  note("duplicates", saidOf("duplicate", duplicates.size, { names: [...duplicates.values()].join(", ") }));
}

/** @param {import("./folders.js").Found} found */
function take({ files, skipped }) {
  duplicates.clear();
  sending.add(files);
  if (!skipped.length) return;
  const kinds = [...new Set(skipped.map((name) => suffixOf(name) || said("no-kind")))].sort().join(", ");
  note("skipped", `${files.length ? "" : said("nothing")} ${saidOf("skipped", skipped.length, { kinds })}`.trim());
}

chooser.addEventListener("change", () => {
  take({ files: [...(chooser.files ?? [])], skipped: [] });
  chooser.value = "";
});
folder.addEventListener("change", () => {
  take(filesOfFolder(folder.files ?? [], suffixes));
  folder.value = "";
});
newFile.addEventListener("change", () => {
  const file = newFile.files?.[0];
  if (file) sending.replace(newFile.dataset.id ?? "", newFile.dataset.name ?? "", file);
  newFile.value = "";
});
chooser.disabled = folder.disabled = false; // they are sent disabled, since nothing listens before

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
document.addEventListener("drop", async (event) => {
  veil.hidden = true;
  if (!bringsFiles(event) || !event.dataTransfer) return;
  event.preventDefault();
  take(await filesDropped(event.dataTransfer, suffixes));
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) take({ files, skipped: [] });
});
window.addEventListener("beforeunload", (event) => {
  if (sending.isBusy) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest("[data-act=replace]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  act("replace", /** @type {HTMLElement} */ (link.closest(".row")));
});
document.addEventListener("keydown", (event) => {
  const stop = /** @type {Element} */ (event.target).closest(STOPS);
  const row = /** @type {HTMLElement | null} */ (stop?.closest(".row") ?? null);
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "F2" && row.dataset.document) act("rename", row);
  else if (event.key === "Delete" && row.dataset.document) act("delete", row);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(row, event.key === "ArrowDown");
  else return;
  event.preventDefault();
});

/**
 * @param {HTMLElement} row
 * @param {boolean} isDown
 */
function step(row, isDown) {
  const stops = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(STOPS)]);
  const at = stops.findIndex((stop) => row.contains(stop));
  stops[at + (isDown ? 1 : -1)]?.focus();
}

document.addEventListener("htmx:afterSwap", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (!target.closest("#listing")) return;
  deleting.again();
  chosen.update();
  if (target.id === "listing") announce(document.querySelector("#filters [aria-current]")?.textContent?.trim() ?? "");
  live.wake();
});
