"""Rules that say where a query can not be what its question asks, each nearly never wrong; `notes.py` gathers them."""
