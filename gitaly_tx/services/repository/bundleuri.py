"""
A bundle that clones begin with.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import GenerateBundleURIRequest, GenerateBundleURIResponse

from ...errors import Code, GitalyError
from ...storage.interfaces import IStorageProvider
from ...transport.bundles import Bundles
from ..validate import given, opened


async def generate_bundle_uri(
    storage: IStorageProvider, bundles: Bundles | None, request: GenerateBundleURIRequest
) -> GenerateBundleURIResponse:
    """
    Make a bundle of all branches and tags, in the place of one that there is.

    :raises GitalyError: FAILED_PRECONDITION ``no bundle-URI sink available`` where none are kept; then as
        :func:`~gitaly_tx.services.validate.opened`; ``generate bundle: …`` as :func:`Bundles.generate`.
    """
    if bundles is None:
        raise GitalyError("no bundle-URI sink available", Code.FAILED_PRECONDITION)
    repository = await opened(storage, given(request))
    try:
        await bundles.generate(repository)
    except GitalyError as error:
        raise error.wrapped("generate bundle") from error
    except OSError as error:
        raise GitalyError("generate bundle: cannot be kept", Code.INTERNAL, {"error": str(error)}) from error
    return GenerateBundleURIResponse()
