"""Whether a query agrees with its question: rules that say where it can not, each nearly never wrong (`gaps.py`)."""
