"""
The licence that a repository comes with.
"""

from __future__ import annotations

from typing import Final

from protocols.gitaly.repository_pb2 import FindLicenseRequest, FindLicenseResponse

from ...linguist.licensefiles import LicenseFiles
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened

_NICKNAMES: Final = {
    "agpl-3.0": "GNU AGPLv3",
    "lgpl-3.0": "GNU LGPLv3",
    "lgpl-2.1": "GNU LGPLv2.1",
    "gpl-3.0": "GNU GPLv3",
    "gpl-2.0": "GNU GPLv2",
    "bsd-3-clause-clear": "Clear BSD",
    "odbl-1.0": "ODbL",
    "ncsa": "UIUC/NCSA",
}


async def find_license(storage: IStorageProvider, licenses: LicenseFiles, request: FindLicenseRequest) -> FindLicenseResponse:
    """
    What the files at HEAD's root say; ``other`` for a licence that nobody knows, and nothing for a repository without any.
    """
    repository = await opened(storage, given(request))
    head = await repository.ref(b"HEAD")
    found = None if head is None else await licenses.of(repository, head.target)
    if found is None:
        return FindLicenseResponse()
    path = found.path.decode("utf-8", "replace")
    if found.license is None:
        return FindLicenseResponse(
            license_short_name="other", license_name="Other", license_nickname="LICENSE", license_path=path
        )
    short = found.license.id.lower()
    return FindLicenseResponse(
        license_short_name=short,
        license_name=found.license.name,
        license_url=found.license.url,
        license_path=path,
        license_nickname=_NICKNAMES.get(short, ""),
    )
