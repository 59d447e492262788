"""The engine: plain Python that turns a plan into tested images. It knows no Django, queue or database."""
