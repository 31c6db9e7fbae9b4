"""Backbones, the prompt, generation, memory, export."""
