"""
A repository with refs of all kinds.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.services.ref.service import RefService
from protocols.gitaly import ref_pb2 as pb
from tests.support.hearing import make_unasked
from tests.support.readcase import NAME, ReadCase

SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"


class RefCase(ReadCase):
    """
    :ivar first: the older commit.
    :ivar second: the newer one, where main is.
    """

    def fill(self) -> None:
        self.service = RefService(self.git_port, self.storage, Mailmaps(), make_unasked(self.git_port))
        tree = self.run_git("mktree")
        self.first = self.commit("first", 1000, tree)
        self.second = self.commit("second", 2000, tree, self.first)
        self.refs()

    def refs(self) -> None:
        """
        Make the refs.
        """

    def commit(self, message: str, date: int, tree: str, *parents: str) -> str:
        """
        A commit; the later it was committed, the earlier it was authored.
        """
        dates = {"GIT_COMMITTER_DATE": f"@{date} +0000", "GIT_AUTHOR_DATE": f"@{9000 - date} +0000"}
        more = [word for parent in parents for word in ("-p", parent)]
        return self.run_git("commit-tree", *more, tree, stdin=message.encode(), **dates)

    def point(self, name: str, oid: str) -> None:
        """
        Make a ref.
        """
        self.run_git("update-ref", name, oid)

    def tag(self, name: str, target: str, type: str = "commit", message: bytes = b"words\n", date: int = 3000) -> str:
        """
        Make a tag object, and a ref for it.
        """
        header = f"object {target}\ntype {type}\ntag {name}\ntagger T <t@example.org> {date} +0100\n\n".encode()
        oid = self.run_git("hash-object", "-t", "tag", "-w", "--stdin", stdin=header + message)
        self.point(f"refs/tags/{name}", oid)
        return oid

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method.
        """
        fields.setdefault("repository", NAME)
        return getattr(self.service, method)(None, getattr(pb, f"{method}Request")(**fields))

    async def names(self, method: str, field: str, **fields: Any) -> list[bytes]:
        """
        The names in what a method answers.
        """
        replies = await self.replies(self.call(method, **fields))
        return [item.name for reply in replies for item in getattr(reply, field)]
