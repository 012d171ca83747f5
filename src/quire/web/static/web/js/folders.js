// The files that were dropped or chosen, those inside folders too. Of a folder, of which nobody chose each file, only
// kinds that Quire reads are taken; hidden files never.

/**
 * @typedef {object} Found
 * @property {File[]} files
 * @property {string[]} skipped  names of what Quire does not read
 */

const LITTER = ["thumbs.db", "desktop.ini", "__macosx"];

/** @param {string} name */
const isHidden = (name) => name.startsWith(".") || LITTER.includes(name.toLowerCase());

/**
 * The name's ending, such as ".pdf"; empty without one.
 * @param {string} name
 */
export const suffixOf = (name) => /\.[^.]+$/.exec(name)?.[0].toLowerCase() ?? "";

/**
 * Call it while the event is being handled: what was dropped is gone from it afterwards.
 * @param {DataTransfer} dropped
 * @param {string[]} suffixes
 * @returns {Promise<Found>}
 */
export async function filesDropped(dropped, suffixes) {
  /** @type {Found} */
  const found = { files: [], skipped: [] };
  const items = [...dropped.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  for (const { entry, file } of taken) {
    if (entry?.isDirectory) await walk(/** @type {FileSystemDirectoryEntry} */ (entry), suffixes, found);
    else if (file) found.files.push(file);
  }
  return found;
}

/**
 * @param {Iterable<File>} files
 * @param {string[]} suffixes
 * @returns {Found}
 */
export function filesOfFolder(files, suffixes) {
  /** @type {Found} */
  const found = { files: [], skipped: [] };
  for (const file of files) {
    const parts = (file.webkitRelativePath || file.name).split("/");
    if (!parts.slice(1).some(isHidden)) sort(file, suffixes, found);
  }
  return found;
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @param {string[]} suffixes
 * @param {Found} found
 */
async function walk(folder, suffixes, found) {
  const reader = folder.createReader();
  for (;;) {
    // A reader hands out a hundred entries at a time, and none at the end.
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!entries.length) return;
    for (const entry of entries) {
      if (isHidden(entry.name)) continue;
      if (entry.isDirectory) await walk(entry, suffixes, found);
      else {
        const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
        if (file) sort(file, suffixes, found);
      }
    }
  }
}

/**
 * @param {File} file
 * @param {string[]} suffixes
 * @param {Found} found
 */
function sort(file, suffixes, found) {
  if (suffixes.includes(suffixOf(file.name))) found.files.push(file);
  else found.skipped.push(file.name);
}
