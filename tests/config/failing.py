"""A site that breaks in the middle of each answer, so that gunicorn has something to say."""


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"so far"
    raise RuntimeError(f"cannot go on with {environ['RAW_URI']}")
