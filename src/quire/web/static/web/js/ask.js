// The page that asks all documents: citations are links to their documents.
import { Chat } from "./chat.js";

const form = document.getElementById("ask");
if (form instanceof HTMLFormElement) new Chat(form);
