"""What a tool says went wrong, as an error that names the failing part first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..context import Context
from ..errors import BuildError
from ..machine import Finished

SAID = 20  # lines of output that an error repeats
LONG = 4000  # characters of them
ALSO = 5  # further failures that are named


@dataclass(frozen=True)
class Failure:
    """One resource or task that failed."""

    what: str
    """ "Service[nginx]", "the task “Install nginx”"."""
    where: str = ""
    """ "manifests/site.pp, line 4"; empty: the tool does not say."""
    says: str = ""


def explain(
    title: str, failures: Sequence[Failure], finished: Finished, context: Context, *, hint: str = ""
) -> BuildError:
    """The first failure in full and the names of the others; without any, the output's last lines."""
    if not failures:
        said = tail(finished.output)
        return BuildError(
            context.redact(f"{title} ended with exit code {finished.exit_code}" + (f":\n{said}" if said else ".")),
            hint=hint or "The log shows what failed.",
        )
    first, *others = failures
    message = f"{first.what} failed" + (f" ({first.where})" if first.where else "")
    message += f":\n{tail(first.says)}" if first.says else "."
    if others:
        more = f" and {len(others) - ALSO} more" if len(others) > ALSO else ""
        message += f"\nAlso failed: {', '.join(each.what for each in others[:ALSO])}{more}."
    return BuildError(context.redact(f"{title}: {message}"), hint=hint or "The log shows everything that it did.")


def tail(text: str) -> str:
    """The last lines of what a program said."""
    return "\n".join(text.strip().splitlines()[-SAID:])[-LONG:]
