// A document's page: text at one side, conversation at the other, and citations that lead from one to the other.
import { announce } from "./announce.js";
import { Chat } from "./chat.js";
import { watch } from "./live.js";
import { offerReplacing } from "./replacing.js";
import { Sheets } from "./sheets.js";

const room = /** @type {HTMLElement} */ (document.getElementById("room"));
const pageNumber = /** @type {HTMLInputElement | null} */ (document.getElementById("go-page"));
const sheets = new Sheets(/** @type {HTMLElement} */ (document.getElementById("text")), (number) => {
  if (pageNumber && document.activeElement !== pageNumber) pageNumber.value = number;
});
const form = document.getElementById("ask");
if (form instanceof HTMLFormElement) new Chat(form);
offerReplacing(/** @type {HTMLFormElement} */ (document.getElementById("replace")));

/** @param {string} pane  "text" or "chat": which one a narrow screen shows */
function show(pane) {
  room.dataset.pane = pane;
  for (const button of room.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-show") === pane));
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const button = target.closest("[data-show]");
  if (button) return show(button.getAttribute("data-show") ?? "text");
  const link = target.closest("a[data-page]");
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.dataset.document !== room.dataset.document) return;
  event.preventDefault();
  for (const other of document.querySelectorAll("a[data-page][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  show("text");
  void sheets.show(new URL(link.href));
});

document.getElementById("go")?.addEventListener("submit", (event) => {
  event.preventDefault();
  void sheets.show(new URL(`?page=${encodeURIComponent(pageNumber?.value ?? "1")}`, location.href));
});

if (location.search.includes("mark=") || location.search.includes("quote=")) {
  document.querySelector("#text mark")?.scrollIntoView({ block: "center" });
}

if (room.dataset.final === "false") {
  const standing = /** @type {HTMLElement} */ (document.getElementById("standing"));
  watch({
    url: room.dataset.eventsUrl ?? "",
    isWanted: () => room.dataset.final === "false",
    onChange: async () => {
      const response = await fetch(room.dataset.standingUrl ?? "").catch(() => null);
      if (response?.status === 404 || response?.redirected) return location.reload();
      if (!response?.ok) return;
      standing.innerHTML = await response.text();
      const isFinal = standing.querySelector("[data-final]")?.getAttribute("data-final") === "true";
      if (!isFinal || room.dataset.final === "true") return;
      room.dataset.final = "true";
      announce(standing.textContent ?? "");
      location.reload();
    },
  });
}
