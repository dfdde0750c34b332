"""
Tests for UpdateReferences.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.services.ref import update
from gitaly_tx.services.ref.service import RefService
from protocols.gitaly import errors_pb2 as errors
from protocols.gitaly.ref_pb2 import UpdateReferencesError, UpdateReferencesRequest
from protocols.gitaly.shared_pb2 import Repository
from tests.support.writecase import NAME, WriteCase, each

ZERO = b"0" * 40
ABSENT = b"1" * 40
MAIN = b"refs/heads/main"


class UpdateReferencesTests(WriteCase):
    """
    ``UpdateReferences``
    """

    def fill(self) -> None:
        self.service = RefService(self.stack.git, self.provider, Mailmaps(), self.unasked)
        self.first, self.second = (self.rev(revision).encode() for revision in ("main~1", "main"))

    def call(self, *batches: list[tuple[bytes, bytes, bytes]], repository: Repository | None = NAME) -> Any:
        """
        :param batches: for each request name, old and new id.
        """
        requests = [
            UpdateReferencesRequest(
                updates=[
                    UpdateReferencesRequest.Update(reference=name, old_object_id=old, new_object_id=new)
                    for name, old, new in batch
                ]
            )
            for batch in batches
        ]
        if requests and repository is not None:
            requests[0].repository.CopyFrom(repository)
        return self.service.UpdateReferences(None, each(requests))  # type: ignore[arg-type]

    async def test_all(self) -> None:
        """
        Updates of all requests are made together: with an old value, with none, and for refs that must not exist.
        """
        self.run_git("update-ref", "refs/heads/old", "main")
        await self.call(
            [(MAIN, self.second, self.first), (b"refs/heads/old", b"", ZERO)],
            [(b"refs/heads/new", ZERO, self.second), (b"refs/tags/t", b"", self.first), (b"refs/heads/none", b"", ZERO)],
        )
        first, second = self.first.decode(), self.second.decode()
        self.assertEqual(self.refs(), {"refs/heads/main": first, "refs/heads/new": second, "refs/tags/t": first})

    async def test_heard(self) -> None:
        """
        Event sinks hear of what was written, once; of what was refused they do not.
        """
        await self.call([(MAIN, self.second, self.first)], [(b"refs/tags/t", b"", self.first)])
        first = self.first.decode()
        self.assertEqual(self.sink.heard, [{"refs/heads/main": first, "refs/tags/t": first}])
        for old, new in ((self.second, self.first), (self.first, ABSENT)):
            await self.refusal(self.call([(MAIN, old, new)]))
        self.assertEqual(len(self.sink.heard), 1)
        self.assertEqual(self.left(), [])

    async def test_through_a_symbolic_ref(self) -> None:
        """
        An update of a symbolic ref is one of the ref that it is a name for.
        """
        self.run_git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        await self.call([(b"refs/heads/alias", self.second, self.first)])
        self.assertEqual(self.rev("main"), self.first.decode())
        self.assertEqual(self.run_git("symbolic-ref", "refs/heads/alias"), "refs/heads/main")

    async def test_nothing_is_written(self) -> None:
        """
        If one update cannot be made none is, and the caller is told which and why.
        """
        self.run_git("update-ref", "refs/heads/dir/one", "main")
        good = (b"refs/heads/good", b"", self.first)
        before = self.refs()
        committing = "committing update: "
        for wrong, code, text in (
            ([(b"refs/heads/new", b"", ABSENT)], Code.NOT_FOUND, "target object missing"),
            ([(b"refs/heads/new", b"", self.rev("main^{tree}").encode())], Code.INTERNAL, "target object not a commit"),
            ([(MAIN, ZERO, self.first)], Code.INTERNAL, "reference already exists"),
            ([(b"refs/heads/new", self.first, self.second)], Code.INTERNAL, "exit status 128"),
            ([(b"refs/heads/dir", b"", self.first)], Code.INTERNAL, "file directory conflict"),
            ([(b"refs/heads/main/sub", b"", self.first)], Code.INTERNAL, "file directory conflict"),
            (
                [(b"refs/heads/x", b"", self.first), (b"refs/heads/x", b"", self.second)],
                Code.INTERNAL,
                "reference has been updated multiple times within a transaction",
            ),
            (
                [(b"refs/heads/x", b"", self.first), (b"refs/heads/x/y", b"", self.second)],
                Code.INTERNAL,
                "conflicting reference updates in the same transaction",
            ),
        ):
            expected = text if code is not Code.INTERNAL else committing + text
            self.assertEqual(await self.refusal(self.call([good, *wrong])), (code, expected))
            self.assertEqual(self.refs(), before)

    async def test_mismatch(self) -> None:
        """
        A ref that is not what the caller believes is named with its value, also if the new object is missing.
        """
        expected = UpdateReferencesError(
            reference_state_mismatch=errors.ReferenceStateMismatchError(
                reference_name=MAIN, expected_object_id=self.first, actual_object_id=self.second
            )
        )
        for new in (ZERO, self.first, ABSENT):
            error = await self.error(self.call([(b"refs/heads/good", b"", self.first), (MAIN, self.first, new)]))
            self.assertEqual((error.code, error.message), (Code.ABORTED, "reference does not point to expected object"))
            self.assertEqual(error.details, (expected,))
        self.assertEqual(self.refs(), {"refs/heads/main": self.second.decode()})

    async def test_locked(self) -> None:
        """
        A ref that somebody else has locked is named.
        """
        with open(os.path.join(self.directory.path, "refs/heads/main.lock"), "xb"):
            pass
        error = await self.error(self.call([(b"refs/heads/good", b"", self.first), (MAIN, b"", self.first)]))
        self.assertEqual((error.code, error.message), (Code.ABORTED, "reference is already locked"))
        locked = UpdateReferencesError(references_locked=errors.ReferencesLockedError(refs=[MAIN]))
        self.assertEqual(error.details, (locked,))
        self.assertEqual(self.refs(), {"refs/heads/main": self.second.decode()})

    async def test_names(self) -> None:
        """
        A name that no ref can have is refused with what is wrong with it.
        """
        for name, text in (
            (b"HEAD", "HEAD reference not allowed"),
            (b"", "reference is not fully qualified"),
            (b"main", "reference is not fully qualified"),
            (b"refs/", "refs/ is not a valid reference"),
            (b"refs/heads/", "reference must not end with slash"),
            (b"refs/heads/a.", "reference must not end with dot"),
            (b"refs/heads/@{", "reference must not contain @{"),
            (b"refs/heads/a..b", "reference must not contain double dots"),
            (b"refs/heads/a b", "reference must not contain space characters"),
            (b"refs/heads/a\nb", "reference must not contain space characters"),
            (b"refs/heads/*", "reference must not contain special characters"),
            (b"refs/heads/a\0b", "reference must not contain control characters"),
            (b"refs//a", "empty component is not allowed"),
            (b"refs/heads/.a", "component must not start with dot"),
            (b"refs/../../etc", "reference must not contain double dots"),
            (b"refs/heads/a.lock", "component must not end with .lock"),
        ):
            error = await self.error(self.call([(name, b"", self.first)]))
            self.assertEqual((error.code, error.message), (Code.INVALID_ARGUMENT, f"validating reference: {text}"))
            wrong = UpdateReferencesError(invalid_format=errors.InvalidRefFormatError(refs=[name]))
            self.assertEqual(error.details, (wrong,))

    async def test_requests(self) -> None:
        """
        Requests that are not well-formed are refused, at whatever place they come.
        """
        good = [(b"refs/heads/good", b"", self.first)]
        invalid = Code.INVALID_ARGUMENT
        bad = 'invalid object ID: "main", expected length 40, got 4'
        letters = f"invalid object ID: \"{'Z' * 40}\", invalid character 'Z'"
        for asked, code, text in (
            (self.call(), Code.INTERNAL, "receiving initial request: EOF"),
            (self.call(good, repository=None), invalid, "repository not set"),
            (self.call([]), invalid, "no updates specified"),
            (self.call(good, []), invalid, "no updates specified"),
            (self.call(good, [(MAIN, b"main", self.first)]), invalid, f"validating old object ID: {bad}"),
            (self.call(good, [(MAIN, b"", b"main")]), invalid, f"validating new object ID: {bad}"),
            (
                self.call([(MAIN, b"", b"")]),
                invalid,
                'validating new object ID: invalid object ID: "", expected length 40, got 0',
            ),
            (self.call([(MAIN, b"", b"Z" * 40)]), invalid, f"validating new object ID: {letters}"),
        ):
            self.assertEqual(await self.refusal(asked), (code, text))
        request = UpdateReferencesRequest(
            repository=NAME, updates=[UpdateReferencesRequest.Update(reference=MAIN, new_object_id=self.first)]
        )
        asked = self.service.UpdateReferences(None, each([request, request]))  # type: ignore[arg-type]
        self.assertEqual(await self.refusal(asked), (invalid, "repository set in subsequent request"))
        self.assertEqual(self.refs(), {"refs/heads/main": self.second.decode()})

    async def test_too_many(self) -> None:
        """
        There is an end to what one call may ask for.
        """
        self.patch(update, "MAXIMUM", 3)
        some = [(b"refs/heads/%d" % number, b"", self.first) for number in range(4)]
        self.assertEqual(await self.refusal(self.call(some[:2], some[2:])), (Code.RESOURCE_EXHAUSTED, "too many updates"))
        await self.call(some[:2], some[2:3])
        self.assertEqual(len(self.refs()), 4)


class Sha256Tests(WriteCase):
    """
    ``UpdateReferences`` in a repository with long ids.
    """

    object_format = "sha256"

    async def test_update(self) -> None:
        """
        Ids are as long as the repository's are, the zero id too.
        """
        service = RefService(self.stack.git, self.provider, Mailmaps(), self.unasked)
        tip = self.rev("main").encode()
        changes = [UpdateReferencesRequest.Update(reference=b"refs/heads/b", old_object_id=b"0" * 64, new_object_id=tip)]
        await service.UpdateReferences(None, each([UpdateReferencesRequest(repository=NAME, updates=changes)]))  # type: ignore[arg-type]
        self.assertEqual(self.rev("b").encode(), tip)
        changes[0].old_object_id = ZERO
        asked = service.UpdateReferences(None, each([UpdateReferencesRequest(repository=NAME, updates=changes)]))  # type: ignore[arg-type]
        expected = f'validating old object ID: invalid object ID: "{"0" * 40}", expected length 64, got 40'
        self.assertEqual(await self.refusal(asked), (Code.INVALID_ARGUMENT, expected))
