// Sends files to the public API, three at a time, each shown as a row until the server has it.
import { csrfToken } from "./csrf.js";
import { problemSentence } from "./problem.js";

const IN_FLIGHT = 3;

/**
 * @typedef {object} Sent
 * @property {{id: string, name: string}} document
 * @property {boolean} [duplicate]
 */

export class Sending {
  /** @type {(() => Promise<void>)[]} */
  #waiting = [];
  #inFlight = 0;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {number} options.maxBytes
   * @param {HTMLElement} options.list
   * @param {HTMLTemplateElement} options.template
   * @param {(sent: Sent) => Promise<void>} options.onSent
   */
  constructor({ url, maxBytes, list, template, onSent }) {
    this.url = url;
    this.maxBytes = maxBytes;
    this.list = list;
    this.template = template;
    this.onSent = onSent;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.#enqueue(file, this.#row(file));
  }

  get isBusy() {
    return this.#inFlight > 0;
  }

  /**
   * @param {File} file
   * @param {SendingRow} row
   */
  #enqueue(file, row) {
    if (file.size > this.maxBytes) return row.refuse("This file is larger than Quire takes.");
    row.wait();
    this.#waiting.push(() => this.#send(file, row));
    this.#next();
  }

  #next() {
    while (this.#inFlight < IN_FLIGHT && this.#waiting.length) {
      this.#inFlight += 1;
      this.#waiting.shift()?.().finally(() => {
        this.#inFlight -= 1;
        this.#next();
      });
    }
  }

  /**
   * @param {File} file
   * @param {SendingRow} row
   */
  async #send(file, row) {
    if (row.isCancelled) return;
    try {
      const sent = await post(this.url, file, row);
      await this.onSent(sent);
      row.remove();
    } catch (error) {
      if (row.isCancelled) return;
      const sentence = error instanceof Error ? error.message : String(error);
      if (error instanceof Refused) row.refuse(sentence);
      else row.fail(sentence, () => this.#enqueue(file, row));
    }
  }

  /** @param {File} file */
  #row(file) {
    const fragment = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (fragment.querySelector("li"));
    this.list.append(element);
    return new SendingRow(element, file.name);
  }
}

/** The server read the file and does not take it: to send it again cannot help. */
class Refused extends Error {}

const REFUSED = [400, 413, 415];

class SendingRow {
  isCancelled = false;
  /** @type {XMLHttpRequest | null} */
  request = null;

  /**
   * @param {HTMLElement} element
   * @param {string} name
   */
  constructor(element, name) {
    this.element = element;
    this.bar = /** @type {HTMLProgressElement} */ (element.querySelector("progress"));
    this.standing = /** @type {HTMLElement} */ (element.querySelector(".row-standing"));
    this.again = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=again]"));
    const nameElement = /** @type {HTMLElement} */ (element.querySelector(".row-name"));
    nameElement.textContent = name;
    this.bar.setAttribute("aria-label", name);
    this.stop = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=cancel]"));
    this.dismiss = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=dismiss]"));
    this.stop.addEventListener("click", () => this.cancel());
    this.dismiss.addEventListener("click", () => this.remove());
  }

  wait() {
    this.bar.hidden = false;
    this.bar.value = 0;
    this.#offer({ again: false, isOver: false });
    this.#say("Waiting to be sent", false);
  }

  /** @param {number} part  0 to 1 */
  progress(part) {
    this.bar.value = 100 * part;
    this.#say(part < 1 ? `Sending ${Math.floor(100 * part)} %` : "Sent, being checked", false);
  }

  /** @param {string} sentence */
  refuse(sentence) {
    this.bar.hidden = true;
    this.#offer({ again: false, isOver: true });
    this.#say(sentence, true);
  }

  /**
   * @param {string} sentence
   * @param {() => void} again
   */
  fail(sentence, again) {
    this.refuse(sentence);
    this.#offer({ again: true, isOver: true });
    this.again.onclick = again;
  }

  /** @param {{again: boolean, isOver: boolean}} what */
  #offer({ again, isOver }) {
    this.again.hidden = !again;
    this.stop.hidden = isOver;
    this.dismiss.hidden = !isOver;
  }

  cancel() {
    this.isCancelled = true;
    this.request?.abort();
    this.remove();
  }

  remove() {
    this.element.remove();
  }

  /**
   * @param {string} sentence
   * @param {boolean} isBad
   */
  #say(sentence, isBad) {
    this.standing.textContent = sentence;
    this.standing.classList.toggle("is-bad", isBad);
    if (isBad) this.standing.setAttribute("role", "alert");
    else this.standing.removeAttribute("role");
  }
}

/**
 * XMLHttpRequest, since fetch does not tell how much of a body has been sent.
 * @param {string} url
 * @param {File} file
 * @param {SendingRow} row
 * @returns {Promise<Sent>}
 */
function post(url, file, row) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    row.request = request;
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => row.progress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => reject(new Error("The server cannot be reached. Nothing was uploaded."));
    request.onabort = () => reject(new Error("Cancelled."));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new (REFUSED.includes(request.status) ? Refused : Error)(problemSentence(request.responseText)));
    };
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}
