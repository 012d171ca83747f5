"""Where the documents' files are kept: Django storages, one a technology."""
