"""Fine-tuning: settings, packing, the worker process, runs."""
