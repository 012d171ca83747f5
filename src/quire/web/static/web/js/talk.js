// What the page of one document and that of all have in common: asking, earlier conversations, quotes, copying.
import { goAlong } from "./along.js";
import { Chat } from "./chat.js";
import { keepChosen } from "./choosing.js";
import { offerCopying } from "./copying.js";
import { panels } from "./panels.js";
import { Quotes } from "./quotes.js";

/** @returns {Chat | null}  none where nothing can be asked */
export function talk() {
  const form = document.getElementById("ask");
  const earlier = document.getElementById("talks");
  const exchanges = document.getElementById("exchanges");
  const picker = document.getElementById("picker");
  const chat = form instanceof HTMLFormElement ? new Chat(form) : null;
  goAlong(chat?.question ?? null);
  if (earlier) earlier.addEventListener("opened", () => void list(earlier, chat), { once: true });
  if (exchanges) offerCopying(exchanges);
  if (picker) keepChosen(picker);
  panels(/** @type {HTMLElement} */ (document.getElementById("chat")));
  new Quotes(/** @type {HTMLElement} */ (document.getElementById("quote-tip")));
  return chat;
}

/**
 * Most visits open no list: what it needs is fetched by the first that does.
 * @param {HTMLElement} earlier
 * @param {Chat | null} chat
 */
async function list(earlier, chat) {
  const module = await import("./talks.js").catch(() => null);
  if (!module) return void (earlier.textContent = document.body.dataset.unreachable ?? "");
  new module.Talks(earlier, { shown: () => chat?.conversation ?? "", leaveShown: () => chat?.leave() });
}
