"""
CommitService over a repository with some history.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.git.mailmaps import Mailmaps
from gitaly_tx.linguist.languages import Languages
from gitaly_tx.services.commit.ports import CommitPorts
from gitaly_tx.services.commit.service import CommitService
from protocols.gitaly import commit_pb2 as pb
from tests.support.readcase import NAME, ReadCase

HISTORY = """\
commit refs/heads/main
mark :1
author A <a@example.org> 1000 +0100
committer C <c@example.org> 1000 +0000
data 3
one
M 100644 inline README
data 6
hello

M 100755 inline bin/run
data 4
run

M 120000 inline bin/link
data 3
run
M 160000 1111111111111111111111111111111111111111 module
M 100644 inline deep/er/still/file
data 2
x

commit refs/heads/side
mark :2
author B <b@example.org> 2000 +0000
committer C <c@example.org> 2000 +0000
data 8
two Fix

from :1
M 100644 inline side
data 2
s

commit refs/heads/main
mark :3
author A <a@example.org> 3000 +0000
committer C <c@example.org> 3000 +0000
data 37
three

Signed-off-by: A <a@x>
More: y
from :1
M 100644 inline README
data 12
hello
world

R bin/run bin/ran

commit refs/heads/main
mark :4
committer C <c@example.org> 4000 +0000
data 5
merge
from :3
merge :2
M 100644 inline side
data 2
s

tag v1
from :1
tagger C <c@example.org> 5000 +0000
data 2
v1
"""


class CommitCase(ReadCase):
    """
    Commits ``one`` (1000), ``two`` (2000, on the branch side), ``three`` (3000) and ``merge`` (4000, where main is).

    :ivar ids: the commits, by the first words of their messages.
    """

    def fill(self) -> None:
        self.languages = Languages(self.make_linguist(), self.git_port)
        self.service = CommitService(CommitPorts(self.storage, self.git_port, Mailmaps(), self.languages))
        length = 40 if self.object_format == "sha1" else 64
        self.import_stream(HISTORY.replace("1" * 40, "1" * length))
        log = self.run_git("log", "--all", "--format=%s %H").splitlines()
        self.ids = {line.split()[0]: line.split()[-1] for line in log}

    def call(self, method: str, **fields: Any) -> Any:
        """
        Call a method on the repository.
        """
        fields.setdefault("repository", NAME)
        return getattr(self.service, method)(None, getattr(pb, f"{method}Request")(**fields))

    async def asked(self, method: str, **fields: Any) -> Any:
        """
        The one message that a method answers.
        """
        return await self.reply(self.call(method, **fields))

    async def refused(self, method: str, **fields: Any) -> str:
        """
        How a method refuses: code and text.
        """
        code, message = await self.refusal(self.call(method, **fields))
        return f"{code.name} {message}"

    async def subjects(self, method: str, **fields: Any) -> list[str]:
        """
        The first words of the commits that a method lists.
        """
        replies = await self.replies(self.call(method, **fields))
        return [commit.subject.decode().split()[0] for reply in replies for commit in reply.commits]

    def oid(self, revision: str) -> str:
        """
        What git says that a revision stands for.
        """
        return self.run_git("rev-parse", revision)
