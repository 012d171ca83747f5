"""One module a page; each view takes the request and its caller."""
