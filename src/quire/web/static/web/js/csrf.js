// The token that shows Django that a request comes from this page.

/** @returns {string} */
export function csrfToken() {
  return document.body.dataset.csrf ?? "";
}
