// Says a sentence to people who listen to the page: once, politely.

/** @param {string} sentence */
export function announce(sentence) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = sentence;
}
