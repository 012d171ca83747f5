// Tells that documents changed. The news is a hint: whoever listens asks the server how they stand.
//
// A connection that the server ends (204: nothing more can come) or that breaks is opened again while `isWanted`;
// until then `onChange(null)` is called now and then, so that no bar is ever frozen. A hidden page listens to nothing.

const PATIENCE_MS = 5000;
const KINDS = ["document", "deleted"];

/**
 * @param {object} options
 * @param {string} options.url
 * @param {(ids: string[] | null) => void} options.onChange  ids of what changed; null: look at everything unfinished
 * @param {() => boolean} options.isWanted  whether anything shown can still change
 * @param {(isLost: boolean) => void} [options.onLost]
 * @returns {{wake: () => void}}
 */
export function watch({ url, onChange, isWanted, onLost = () => {} }) {
  /** @type {EventSource | null} */
  let source = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(url);
    source.onopen = () => {
      onLost(false);
      onChange(null); // what ended while nobody listened is in no snapshot
    };
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return onLost(true);
      close();
      onLost(isWanted());
    };
    for (const kind of KINDS) source.addEventListener(kind, (event) => onChange(idsIn(event.data)));
  }

  function close() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return close();
    open();
    onChange(null);
  });
  setInterval(() => {
    if (document.hidden || !isWanted()) return;
    onChange(null);
    open();
  }, PATIENCE_MS);
  open();
  return { wake: open };
}

/**
 * The id of the document that an event is about.
 * @param {string} data
 * @returns {string[] | null}
 */
function idsIn(data) {
  const { id } = JSON.parse(data);
  return id ? [id] : null;
}
