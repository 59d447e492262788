"""What AWS says when something fails, in words that say what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..errors import BuildError, SlipwayError, WorkerError

ACCOUNTS_PAGE = "Team settings → Accounts"
CORRECT = f"Correct the account in {ACCOUNTS_PAGE} and test it there."

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation"}
CREDENTIALS = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException"}
CLOCK = {"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"}
CLOCK_SAID = re.compile(r"Signature expired|not yet current|RequestTimeTooSkewed")
THROTTLED = {
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
CAPACITY = {
    "InsufficientCapacity",
    "InsufficientFreeAddressesInSubnet",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "Server.InsufficientInstanceCapacity",
}
"""What another size, zone or moment may have."""
NO_SPOT = CAPACITY | {"MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow", "Server.SpotInstanceTermination"}
"""What an ordinary instance instead of a spot one may have."""
SERVER = {"InternalError", "InternalFailure", "InternalServerException", "ServiceUnavailable", "Unavailable"}
UNKNOWN = {"InvalidAction", "NotImplemented", "UnknownOperationException"}
COMPATIBLE = "A service that is compatible with AWS must have all calls that docs/aws.md names."
QUOTA = re.compile(r".*(LimitExceeded|QuotaExceeded\w*|Exceeded)")
PERFORM = re.compile(r"not authorized to perform:? `?([a-z0-9-]+:[A-Za-z]+)")
ENCODED = re.compile(r"Encoded authorization failure message: (\S+)")


class AwsError(BuildError):
    """What AWS has refused. `code` is its own word for it: "InvalidAMIID.NotFound"."""

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


@contextmanager
def explained(service: str, region: str, decode: Callable[[str], str] = lambda _: "") -> Iterator[None]:
    """Whatever fails inside is raised in our words. `decode` reads an encoded authorization message, or returns ""."""
    try:
        yield
    except ClientError as error:
        raise _refused(error, service, region, decode) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _unreached(error, service, region) from error


def _refused(error: ClientError, service: str, region: str, decode: Callable[[str], str]) -> SlipwayError:
    said: dict[str, Any] = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", "")).strip()
    if error.operation_name == "AssumeRole":
        service = "sts"
    action = f"{service}:{error.operation_name}"
    quoted = f"{message.rstrip('.')} ({code})." if message else f"{code}."

    def refusal(text: str, hint: str) -> AwsError:
        return AwsError(f"{text}: {quoted}", code=code, hint=hint)

    if code in CLOCK or (code in CREDENTIALS and CLOCK_SAID.search(message)):
        return WorkerError(f"AWS refuses what this worker signs: its clock is wrong. {quoted}", hint="Run NTP.")
    if code in EXPIRED:
        return refusal("The account's credentials have expired", f"Enter new ones in {ACCOUNTS_PAGE}, or use a role.")
    if error.operation_name == "AssumeRole" and code in DENIED:
        hint = "The role's trust policy must name who signs in and, if it asks for one, the external id."
        return refusal("AWS does not let the account assume its role", hint)
    if code in DENIED:
        return _denied(code, action, region, message, decode)
    if code in CREDENTIALS and not message.startswith("Not authorized for"):
        return refusal(f"AWS does not accept the account's credentials in {region}", CORRECT)
    if code == "OptInRequired":
        return refusal(f"The account cannot use {region} yet", "Enable the region, or the product, in AWS's console.")
    if code in THROTTLED:
        hint = "Retry the build later; fewer builds at once on this account help too."
        return refusal(f"AWS kept throttling {action} in {region}", hint)
    if code in CAPACITY:
        hint = "Retry later, or choose another `instance_type` or `subnet` (another zone)."
        return refusal(f"AWS has no capacity for {action} in {region} now", hint)
    if QUOTA.fullmatch(code):
        return refusal(
            f"A quota of the AWS account in {region} is used up",
            "Remove what is not needed, or ask AWS for more in Service Quotas.",
        )
    if code in SERVER:
        return refusal(f"AWS failed at {action} in {region}", "Retry the build; AWS's health dashboard may know more.")
    if code in UNKNOWN or code.isdecimal():  # a bare status: whoever answered does not speak as AWS does
        return refusal(f"The endpoint does not know {action}, or cannot be reached behind a proxy", COMPATIBLE)
    return refusal(f"AWS refused {action} in {region}", "")


def _denied(code: str, action: str, region: str, message: str, decode: Callable[[str], str]) -> AwsError:
    """The permission by its name: of the call, or of what the call needs besides (iam:PassRole, kms:CreateGrant)."""
    resource = ""
    if encoded := ENCODED.search(message):
        message = message[: encoded.start()].strip()
        try:
            context = json.loads(decode(encoded[1]))["context"]
            action, resource = str(context["action"]), f" on {context['resource']}"
        except (ValueError, KeyError, TypeError):
            pass
    if named := PERFORM.search(message):
        action = named[1]
    return AwsError(
        f"The AWS account lacks the permission {action}{resource} in {region}: {message.rstrip('.')} ({code}).",
        code=code,
        hint=f"Allow {action} in the policy of the account's identity; docs/aws.md has the whole policy.",
    )


def _unreached(error: BotoCoreError | ResponseParserError, service: str, region: str) -> SlipwayError:
    """No answer came, or none that can be read."""
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return BuildError("There are no credentials to sign in to AWS with.", hint=f"Enter them in {ACCOUNTS_PAGE}.")
    if isinstance(error, boto.ProfileNotFound):
        return WorkerError(f"{error}.", hint="Add it to ~/.aws/config of the worker's user, or use keys or a role.")
    if isinstance(error, boto.CredentialRetrievalError | boto.MetadataRetrievalError | boto.TokenRetrievalError):
        return WorkerError(f"The worker could not get its credentials for AWS: {error}")
    if isinstance(error, boto.SSLError):
        hint = "A private certificate authority belongs into the file that AWS_CA_BUNDLE names on the worker."
        return WorkerError(f"The certificate of AWS's {service} in {region} is not trusted: {error}", hint=hint)
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        return WorkerError(
            f"AWS's {service} in {region} cannot be reached: {error}",
            hint="Is the region's name right, and the account's `endpoint`? Does this worker reach the internet?",
        )
    if isinstance(error, ResponseParserError):
        return BuildError(
            f"The endpoint's answer to a call of {service} in {region} cannot be read: it does not know the call.",
            hint=COMPATIBLE,
        )
    if isinstance(error, boto.InvalidRegionError):
        return BuildError(f"{region!r} is no name of a region.", hint="Names look like eu-central-1.")
    return BuildError(f"{service} in {region}: {error}")
