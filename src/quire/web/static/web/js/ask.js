// The page that asks all documents, or chosen ones: citations are links to their documents.
import { talk } from "./talk.js";

talk();
