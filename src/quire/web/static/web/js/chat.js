// The question box: an answer is shown as it streams, then put in its final form, as the server keeps it.
import { announce } from "./announce.js";
import { csrfToken } from "./csrf.js";
import { problemSentence, whyRefused } from "./problem.js";
import { serverEvents } from "./server_events.js";

// Whoever scrolled further up than this reads something else, and is not pulled to the end.
const NEAR_END_PX = 80;

/** Something went wrong that its message says in words for the person; a browser's own errors do not. */
class Told extends Error {}

export class Chat {
  #conversation = "";
  /** @type {AbortController | null} */
  #running = null;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.list = /** @type {HTMLElement} */ (document.getElementById("exchanges"));
    this.question = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("question"));
    this.error = /** @type {HTMLElement} */ (document.getElementById("ask-error"));
    this.stop = /** @type {HTMLButtonElement} */ (document.getElementById("stop"));
    this.submit = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
    this.#conversation = form.dataset.conversation ?? "";
    form.addEventListener("submit", (event) => this.#submitted(event));
    this.stop.addEventListener("click", () => this.#running?.abort());
    this.question.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    for (const button of this.list.querySelectorAll("[data-ask]"))
      button.addEventListener("click", () => {
        this.question.value = button.textContent ?? "";
        form.requestSubmit();
      });
    this.submit.disabled = false;
    const begin = () => this.list.querySelector(":target") || this.#toEnd(); // unless somebody comes back to an answer
    this.list.addEventListener("htmx:afterSwap", begin);
    begin();
  }

  /** The id of the one that is shown; empty while none has begun. */
  get conversation() {
    return this.#conversation;
  }

  /**
   * Begin anew: what is shown is being deleted.
   * @returns {() => void}  brings it back, unless something was asked meanwhile
   */
  leave() {
    this.#running?.abort();
    const id = this.#conversation;
    const exchanges = [...this.list.querySelectorAll(".exchange:not([aria-busy])")];
    for (const exchange of exchanges) exchange.remove();
    this.#be("");
    return () => {
      if (this.#conversation || this.#running) return;
      this.list.prepend(...exchanges);
      this.#be(id);
    };
  }

  /** @param {string} id  of the conversation that is shown; empty: none has begun */
  #be(id) {
    this.#conversation = id;
    document.getElementById("new-conversation")?.toggleAttribute("hidden", !id);
    this.#toAddress(id ? "conversation" : "new", id);
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    const question = this.question.value.trim();
    if (this.#running || !question) return;
    const exchange = this.#begin(question);
    this.#running = new AbortController();
    try {
      await this.#ask(question, exchange, this.#running.signal);
      this.question.value = "";
    } catch (error) {
      exchange.remove();
      if (!this.#running.signal.aborted) this.#fail(error instanceof Told ? error.message : this.#lost());
    } finally {
      this.#running = null;
      this.submit.hidden = false;
      this.stop.hidden = true;
    }
  }

  /**
   * @param {string} question
   * @returns {HTMLElement}
   */
  #begin(question) {
    this.error.hidden = true;
    this.submit.hidden = true;
    this.stop.hidden = false;
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("exchange-asked"));
    const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const exchange = /** @type {HTMLElement} */ (fragment.querySelector(".exchange"));
    /** @type {HTMLElement} */ (exchange.querySelector(".question")).textContent = question;
    this.list.insertBefore(exchange, this.list.querySelector(":scope > .empty"));
    this.#toEnd();
    return exchange;
  }

  /**
   * @param {string} question
   * @param {HTMLElement} exchange
   * @param {AbortSignal} signal
   */
  async #ask(question, exchange, signal) {
    const response = await fetch(this.form.dataset.askUrl ?? "", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), Accept: "text/event-stream" },
      body: JSON.stringify({ question, stream: true, ...this.#where() }),
      signal,
    }).catch(() => null);
    if (!response?.ok) throw new Told(await whyRefused(response));
    if (!response.body) throw new Told(this.#lost());
    const answer = /** @type {HTMLElement} */ (exchange.querySelector(".answer"));
    let text = "";
    for await (const { event, data } of serverEvents(response.body)) {
      if (event === "token") {
        text += JSON.parse(data).text;
        const isFollowed = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END_PX;
        answer.textContent = text;
        if (isFollowed) this.#toEnd();
      } else if (event === "notice") {
        const notice = /** @type {HTMLElement} */ (exchange.querySelector(".notice"));
        notice.textContent = JSON.parse(data).message;
        notice.hidden = false;
      } else if (event === "error") {
        throw new Told(problemSentence(data));
      } else if (event === "done") {
        this.#be(JSON.parse(data).conversation_id ?? ""); // null: it was deleted meanwhile, and the answer is shown only here
        return await this.#finish(exchange);
      }
    }
    throw new Told(this.#lost());
  }

  /** A conversation has its documents; a new one is about those that are chosen, all when none is. */
  #where() {
    const ids = this.form.dataset.documents;
    if (this.#conversation) return { conversation_id: this.#conversation };
    return ids ? { document_ids: ids.split(",") } : {};
  }

  /**
   * So that a reload, or coming back, shows what is shown now.
   * @param {"new" | "conversation"} name
   * @param {string} value
   */
  #toAddress(name, value) {
    const address = new URL(location.href);
    for (const other of ["new", "conversation", "document"]) address.searchParams.delete(other);
    if (name === "new") for (const id of this.form.dataset.documents?.split(",") ?? []) address.searchParams.append("document", id);
    if (name === "conversation" || !address.searchParams.has("document")) address.searchParams.set(name, value);
    if (this.list.querySelector(":target")) address.hash = "";
    history.replaceState(history.state, "", address);
  }

  /** @param {HTMLElement} exchange */
  async #finish(exchange) {
    if (!this.#conversation) return exchange.removeAttribute("aria-busy");
    const url = (this.form.dataset.newestUrl ?? "").replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, this.#conversation);
    const response = await fetch(url);
    if (!response.ok) return exchange.removeAttribute("aria-busy");
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    const fresh = /** @type {HTMLElement} */ (holder.content.querySelector(".exchange"));
    exchange.replaceWith(fresh);
    fresh.scrollIntoView({ block: "nearest" });
    announce([...fresh.querySelectorAll(".answer, .notice")].map((part) => part.textContent).join(" "));
  }

  #lost() {
    return this.form.dataset.lost ?? "";
  }

  /** @param {string} sentence */
  #fail(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = false;
    this.question.focus();
  }

  #toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.list.querySelector(".exchange:last-of-type")?.scrollIntoView({ block: "end" });
  }
}
