// Whether a file is in the library already, told by its hash before it is sent.

const LARGEST = 64 * 2 ** 20; // it is read into memory
const SMALLEST = 16 * 2 ** 10; // to send it takes no longer than to ask
const PATIENCE_MS = 5000;

/**
 * @typedef {{id: string, name: string, status: string}} Known
 */

/**
 * The document that has these bytes and did not fail; null when there is none, or when that cannot be told here.
 * @param {string} url  of the list of documents
 * @param {File} file
 * @returns {Promise<Known | null>}
 */
export async function known(url, file) {
  if (!crypto.subtle || file.size > LARGEST || file.size < SMALLEST) return null; // no subtle: not https, nor this machine
  try {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const answer = await fetch(`${url}?sha256=${sha256}&limit=1`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { results } = await answer.json();
    return results?.find((/** @type {Known} */ document) => document.status !== "failed") ?? null;
  } catch {
    return null; // it is sent, and the server looks itself
  }
}
