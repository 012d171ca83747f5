// A document's page: text at one side, conversation at the other, and citations that lead from one to the other.
import "./countdown.js";
import { announce } from "./announce.js";
import { Drawers } from "./drawers.js";
import { Find } from "./find.js";
import { listenForKeys } from "./keys.js";
import { watch } from "./live.js";
import { Pages } from "./pages.js";
import { neighbour } from "./quotes.js";
import { offerReplacing } from "./replacing.js";
import { Sheets } from "./sheets.js";
import { talk } from "./talk.js";
import { Zoom } from "./zoom.js";

const room = /** @type {HTMLElement} */ (document.getElementById("room"));
const text = /** @type {HTMLElement} */ (document.getElementById("text"));
const pageNumber = /** @type {HTMLInputElement | null} */ (document.getElementById("go-page"));
const reader = room.dataset.pagesUrl ? new Pages(text, room.dataset.pagesUrl, onPage) : new Sheets(text, onPage);
const tools = /** @type {HTMLElement | null} */ (room.querySelector(".tools"));
const zoom = reader instanceof Pages && tools ? new Zoom(reader, tools) : null;
const drawers = new Drawers(room);
const chat = talk();
const finding = document.getElementById("find-form");
if (finding instanceof HTMLFormElement) new Find(finding, (link) => follow(link));
offerReplacing(/** @type {HTMLFormElement} */ (document.getElementById("replace")));

/** @param {string} number */
function onPage(number) {
  if (pageNumber && document.activeElement !== pageNumber) pageNumber.value = number;
  const thumbs = document.getElementById("thumbs");
  if (!thumbs || thumbs.hidden) return;
  thumbs.querySelector("[aria-current]")?.removeAttribute("aria-current");
  thumbs.querySelector(`[data-page="${number}"]`)?.setAttribute("aria-current", "page");
}

/** @param {string} pane  "text" or "chat": which one a narrow screen shows */
function show(pane) {
  room.dataset.pane = pane;
  for (const button of room.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-show") === pane));
}

/** @param {HTMLAnchorElement} link  to words of this document */
function follow(link) {
  for (const other of document.querySelectorAll("a[data-page][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  const isOverlaid = room.dataset.pane === "chat" && matchMedia("(max-width: 56rem)").matches;
  show("text");
  const shown = reader.show(new URL(link.href));
  // On a narrow screen the link has just been hidden: whoever came by keyboard goes on at the page.
  if (isOverlaid) void shown.then(() => document.getElementById(`page-${link.dataset.page}`)?.focus({ preventScroll: true }));
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const button = target.closest("[data-show]");
  if (button) return show(button.getAttribute("data-show") ?? "text");
  const link = target.closest("a[data-page]");
  if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.dataset.document !== room.dataset.document) return;
  event.preventDefault();
  follow(link);
  if (link.closest(".drawer") && matchMedia("(max-width: 56rem)").matches) drawers.close();
});

document.getElementById("go")?.addEventListener("submit", (event) => {
  event.preventDefault();
  void reader.show(new URL(`?page=${encodeURIComponent(pageNumber?.value ?? "1")}`, location.href));
});

/** @param {1 | -1} way */
function stepCitation(way) {
  const link = neighbour(way);
  if (!link) return;
  link.scrollIntoView({ block: "nearest" });
  if (link.dataset.document === room.dataset.document) follow(link);
}

const help = document.getElementById("keys");
if (help instanceof HTMLDialogElement) {
  listenForKeys(
    {
      n: () => stepCitation(1),
      p: () => stepCitation(-1),
      f: () => drawers.toggle("find"),
      "/": () => {
        show("chat");
        chat?.question.focus();
      },
      "+": () => zoom?.step("in"),
      "-": () => zoom?.step("out"),
      0: () => zoom?.step("fit"),
    },
    help,
  );
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
