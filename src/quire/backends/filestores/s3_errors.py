"""What boto3 raises, as our errors: the one place that reads what a server that speaks S3 says.

no such object                        FileNotFoundError, as Django's own storages raise
no access, no bucket, no key          PermanentError: whoever runs the service must act
a 5xx, a cut, a timeout, no answer    TransientError; RateLimited where the answer carries Retry-After
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from s3transfer.exceptions import RetriesExceededError
from urllib3.exceptions import HTTPError

from quire.core.errors import PermanentError, QuireError, RateLimited, TransientError

UNAVAILABLE = "storage_unavailable"
_KEY = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right, or give the machine a role that may use the bucket"
_RIGHTS = "Give its key the rights to list the bucket and to get, put and delete objects in it"
_BUCKET = "Set AWS_STORAGE_BUCKET_NAME, AWS_S3_ENDPOINT_URL and AWS_S3_REGION_NAME right, or create the bucket"
_CLOCK = "Set this machine's clock right"
_CHECKSUMS = (
    "Set AWS_REQUEST_CHECKSUM_CALCULATION=when_required: this server does not know the checksums of newer clients"
)
_DO = {
    "AccessDenied": _RIGHTS,
    "403": _RIGHTS,  # the answer to a HEAD has no body, hence no code
    "AllAccessDisabled": _RIGHTS,
    "AccountProblem": _RIGHTS,
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": _KEY,
    "InvalidToken": _KEY,
    "ExpiredToken": _KEY,
    "InvalidSecurity": _KEY,
    "NoSuchBucket": _BUCKET,
    "InvalidBucketName": _BUCKET,
    "AuthorizationHeaderMalformed": _BUCKET,
    "PermanentRedirect": _BUCKET,
    "301": _BUCKET,
    "IllegalLocationConstraintException": _BUCKET,
    "RequestTimeTooSkewed": _CLOCK,
    "NotImplemented": _CHECKSUMS,
}
"""What to do about a code that asking again does not mend."""
_NO_OBJECT = {"NoSuchKey", "404", "NotFound"}


@contextmanager
def our_errors() -> Iterator[None]:
    """What the vendor raises in this block is raised as one of ours."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise _refused("no credentials were found", _KEY) from error
    except ParamValidationError as error:
        raise _refused("the bucket's name cannot be one", _BUCKET) from error
    except (BotoCoreError, Boto3Error, RetriesExceededError, HTTPError) as error:
        message = f"The file storage did not answer as it should ({type(error).__name__})."
        raise TransientError(message, code=UNAVAILABLE) from error


def _of_answer(error: ClientError) -> QuireError | FileNotFoundError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _NO_OBJECT:
        return FileNotFoundError(errno.ENOENT, "no such object in the bucket")
    if code in _DO:
        return _refused(code, _DO[code])
    message = f"The file storage answered with an error ({code})."
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if (wait := str(headers.get("retry-after", ""))).isdigit():
        return RateLimited(message, retry_after_s=int(wait), waiting_for="file storage")
    return TransientError(message, code=UNAVAILABLE)


def _refused(why: str, do: str) -> PermanentError:
    return PermanentError(f"The file storage refuses what Quire asks ({why}). {do}.", code="storage_refused")
