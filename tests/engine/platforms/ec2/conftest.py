from tests.engine.aws.fixtures import account, book, console, context

__all__ = ["account", "book", "console", "context"]
