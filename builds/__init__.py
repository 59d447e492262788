"""How a release becomes images: the records, the queue, and the engine that does the work."""
