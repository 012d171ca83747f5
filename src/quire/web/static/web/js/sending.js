// Sends files to the public API, three at a time, each shown as a row until the server has it. What the network or a
// limit stops is sent again by itself; what the server refuses is not.
import { csrfToken } from "./csrf.js";
import { known } from "./known.js";
import { problemSentence } from "./problem.js";
import { said } from "./said.js";

const IN_FLIGHT = 3;
const AGAIN_AFTER_S = [2, 4, 8, 15, 30];
const LONGEST_WAIT_S = 120;
const REFUSED = [400, 404, 409, 413, 415];
const LATER = [429, 503];

/**
 * @typedef {object} Sent
 * @property {{id: string, name: string}} document
 * @property {boolean} [duplicate]
 */

/**
 * @typedef {object} Job
 * @property {File} file
 * @property {string} method
 * @property {string} url
 * @property {SendingRow} row
 * @property {number} tries
 */

export class Sending {
  /** @type {Job[]} */
  #waiting = [];
  /** @type {Set<Job>} what is being sent, or will be again in a moment */
  #begun = new Set();
  #inFlight = 0;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {string} options.documentsUrl
   * @param {number} options.maxBytes
   * @param {HTMLElement} options.list
   * @param {HTMLTemplateElement} options.template
   * @param {(sent: Sent) => Promise<void>} options.onSent
   */
  constructor({ url, documentsUrl, maxBytes, list, template, onSent }) {
    this.url = url;
    this.documentsUrl = documentsUrl;
    this.maxBytes = maxBytes;
    this.list = list;
    this.template = template;
    this.onSent = onSent;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.#begin({ file, method: "POST", url: this.url, row: this.#row(file.name), tries: 0 });
  }

  /**
   * Another file for a document.
   * @param {string} id
   * @param {string} name
   * @param {File} file
   */
  replace(id, name, file) {
    const row = this.#row(file.name, said("replacing", { name }));
    this.#begin({ file, method: "PUT", url: `${this.documentsUrl}${id}/file/`, row, tries: 0 });
  }

  get isBusy() {
    return this.#begun.size > 0;
  }

  /** @param {Job} job */
  #begin(job) {
    if (!job.file.size) return job.row.refuse(said("empty"));
    if (job.file.size > this.maxBytes) return job.row.refuse(said("too-large"));
    job.row.wait(() => this.#begun.delete(job));
    this.#begun.add(job);
    this.#waiting.push(job);
    this.#next();
  }

  #next() {
    while (this.#inFlight < IN_FLIGHT && this.#waiting.length) {
      this.#inFlight += 1;
      void this.#send(/** @type {Job} */ (this.#waiting.shift())).finally(() => {
        this.#inFlight -= 1;
        this.#next();
      });
    }
  }

  /** @param {Job} job */
  async #send(job) {
    const { row } = job;
    if (row.isCancelled) return;
    try {
      const sent = (await this.#already(job)) ?? (await post(job));
      if (row.isCancelled) return;
      this.#begun.delete(job);
      if (job.method === "PUT" && sent.duplicate) return row.refuse(said("same-file"));
      await this.onSent(sent);
      row.remove();
    } catch (error) {
      if (!row.isCancelled) this.#failed(job, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * @param {Job} job
   * @returns {Promise<Sent | null>}
   */
  async #already({ method, file, row }) {
    if (method !== "POST") return null;
    row.say(said("hashing"));
    const document = await known(this.documentsUrl, file);
    return document && !document.pending && { document, duplicate: true }; // else they may be on their way out
  }

  /**
   * @param {Job} job
   * @param {Error} error
   */
  #failed(job, error) {
    const again = () => this.#begin(job);
    const afterS = error instanceof Later ? (error.afterS ?? AGAIN_AFTER_S[job.tries]) : undefined;
    if (afterS !== undefined && afterS <= LONGEST_WAIT_S && job.tries < AGAIN_AFTER_S.length) {
      job.tries += 1;
      return job.row.waitFor(afterS, error.message, again);
    }
    this.#begun.delete(job);
    job.tries = 0;
    if (error instanceof Refused) job.row.refuse(error.message);
    else job.row.fail(error.message, again);
  }

  /**
   * @param {string} name
   * @param {string} [facts]
   */
  #row(name, facts = "") {
    const fragment = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (fragment.querySelector("li"));
    this.list.append(element);
    return new SendingRow(element, name, facts);
  }
}

/** The server read the file and does not take it: to send it again cannot help. */
class Refused extends Error {}

/** It was not taken now; it may be in a moment. */
class Later extends Error {
  /**
   * @param {string} message
   * @param {number} [afterS]  as the server says
   */
  constructor(message, afterS) {
    super(message);
    this.afterS = afterS;
  }
}

class SendingRow {
  isCancelled = false;
  /** @type {XMLHttpRequest | null} */
  request = null;
  /** @type {number | undefined} */
  #timer;
  #onCancel = () => {};

  /**
   * @param {HTMLElement} element
   * @param {string} name
   * @param {string} facts
   */
  constructor(element, name, facts) {
    this.element = element;
    this.bar = /** @type {HTMLProgressElement} */ (element.querySelector("progress"));
    this.standing = /** @type {HTMLElement} */ (element.querySelector(".row-standing"));
    this.again = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=again]"));
    /** @type {HTMLElement} */ (element.querySelector(".row-name")).textContent = name;
    /** @type {HTMLElement} */ (element.querySelector(".row-facts")).textContent = facts;
    this.bar.setAttribute("aria-label", name);
    this.stop = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=cancel]"));
    this.dismiss = /** @type {HTMLButtonElement} */ (element.querySelector("[data-act=dismiss]"));
    this.stop.addEventListener("click", () => this.cancel());
    this.dismiss.addEventListener("click", () => this.remove());
  }

  /** @param {() => void} onCancel */
  wait(onCancel) {
    clearInterval(this.#timer);
    this.#onCancel = onCancel;
    this.bar.hidden = false;
    this.bar.value = 0;
    this.#offer({ again: false, isOver: false });
    this.say(said("waiting"));
  }

  /**
   * Count down, then begin again.
   * @param {number} s
   * @param {string} why
   * @param {() => void} again
   */
  waitFor(s, why, again) {
    const end = Date.now() + 1000 * s;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left <= 0) return again();
      this.say(said("again-in", { why, s: left }));
    };
    this.bar.value = 0;
    this.#offer({ again: true, isOver: false });
    this.again.onclick = again;
    this.#timer = setInterval(tick, 1000);
    tick();
  }

  /** @param {number} part  0 to 1 */
  progress(part) {
    this.bar.value = 100 * part;
    this.say(part < 1 ? said("sending", { n: Math.floor(100 * part) }) : said("checking"));
  }

  /** @param {string} sentence */
  refuse(sentence) {
    this.bar.hidden = true;
    this.#offer({ again: false, isOver: true });
    this.say(sentence, true);
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
    this.#onCancel();
    this.request?.abort();
    this.remove();
  }

  remove() {
    clearInterval(this.#timer);
    this.element.remove();
  }

  /**
   * @param {string} sentence
   * @param {boolean} [isBad]
   */
  say(sentence, isBad = false) {
    this.standing.textContent = sentence;
    this.standing.classList.toggle("is-bad", isBad);
    if (isBad) this.standing.setAttribute("role", "alert");
    else this.standing.removeAttribute("role");
  }
}

/**
 * XMLHttpRequest, since fetch does not tell how much of a body has been sent.
 * @param {Job} job
 * @returns {Promise<Sent>}
 */
function post({ method, url, file, row }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    row.request = request;
    request.open(method, url);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => row.progress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => reject(new Later(said("unreachable")));
    request.onabort = () => reject(new Error("cancelled"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(problem(request));
    };
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/**
 * @param {XMLHttpRequest} request  that was answered, and not as hoped
 * @returns {Error}
 */
function problem(request) {
  const sentence = problemSentence(request.responseText);
  if (REFUSED.includes(request.status)) return new Refused(sentence);
  const afterS = Number(request.getResponseHeader("Retry-After")) || undefined;
  return LATER.includes(request.status) ? new Later(sentence, afterS) : new Error(sentence);
}
