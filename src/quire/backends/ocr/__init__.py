"""OCR engines: a picture in, text and word boxes out."""
