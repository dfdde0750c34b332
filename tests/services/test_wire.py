"""
Objects as messages.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import GitObject
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.parse.commit import FALLBACK, Person
from gitaly_tx.git.parse.mailmap import Mailmap
from gitaly_tx.services.wire import LONGEST, author_message, commit_message, signature_type, tag_message
from protocols.gitaly.shared_pb2 import CommitAuthor, CommitTrailer, GitCommit, SignatureType, Tag

OID = ObjectID("a" * 40)
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

PERSON = Person(b"A", b"a@x", 7, b"+0100")
AUTHOR = CommitAuthor(name=b"A", email=b"a@x", date=Timestamp(seconds=7), timezone=b"+0100")
HEADERS = b"tree %b\nauthor A <a@x> 7 +0100\ncommitter A <a@x> 7 +0100\n" % TREE.encode()


def made(data: bytes) -> GitObject:
    """
    A commit.
    """
    return GitObject(OID, b"commit", data)


class CommitMessageTests(SynchronousTestCase):
    """
    ``commit_message``
    """

    def test_whole(self):
        """
        Everything that is asked for in other ways than by a field of its own is unset.
        """
        data = HEADERS + b"encoding X\n\nsubject\r\n\nbody \xff\n\nKey: value\n"
        self.assertEqual(
            commit_message(made(data)),
            GitCommit(
                id=str(OID),
                tree_id=TREE,
                subject=b"subject",
                body=b"subject\r\n\nbody \xff\n\nKey: value\n",
                body_size=29,
                author=AUTHOR,
                committer=AUTHOR,
                encoding="X",
            ),
        )

    def test_parents(self):
        """
        Parents are in their order.
        """
        data = HEADERS.replace(b"author", b"parent %b\nparent %b\nauthor" % (b"2" * 40, b"1" * 40), 1)
        self.assertEqual(list(commit_message(made(data)).parent_ids), ["2" * 40, "1" * 40])

    def test_long(self):
        """
        A long message is cut, its size is told, and the subject is the whole first line.
        """
        message = commit_message(made(HEADERS + b"\n" + b"x" * 20_000 + b"\ny"))
        self.assertEqual((len(message.body), message.body_size, len(message.subject)), (LONGEST, 20_002, 20_000))

    def test_mailmap(self):
        """
        A mailmap renames people.
        """
        message = commit_message(made(HEADERS + b"\nm"), Mailmap(b"B <b@x> <a@x>"))
        self.assertEqual((message.author.name, message.committer.email), (b"B", b"b@x"))
        self.assertEqual(author_message(Person(b"Z", b"z@x"), Mailmap(b"B <b@x> <a@x>")), CommitAuthor(name=b"Z", email=b"z@x"))

    def test_trailers(self):
        """
        Trailers are told if they are wanted, in UTF-8 where the commit says how it is written.
        """
        for encoding, expected in ((b"ISO-8859-1", "ü".encode()), (b"nonsense", b"\xfc"), (b"utf-8", b"\xfc")):
            data = HEADERS + b"encoding %b\n\nsubject\n\nKey: \xfc\n" % encoding
            message = commit_message(made(data), with_trailers=True)
            self.assertEqual(list(message.trailers), [CommitTrailer(key=b"Key", value=expected)])
        self.assertEqual(commit_message(made(HEADERS + b"\ns\n\nKey: v\n")).trailers, [])

    def test_broken(self):
        """
        Nothing in an object makes it impossible to tell.
        """
        self.assertEqual(commit_message(made(b"")), GitCommit(id=str(OID)))
        self.assertEqual(commit_message(made(b"tree \xff\nparent \xfe")).tree_id, "\ufffd")
        message = commit_message(made(b"author A <a@x> never\n\n"))
        self.assertEqual(message.author.date.seconds, FALLBACK)
        self.assertFalse(message.HasField("committer"))

    def test_signatures(self):
        """
        The first line of a signature tells its kind.
        """
        for line, kind in (
            (b"-----BEGIN PGP SIGNATURE-----", SignatureType.PGP),
            (b"-----BEGIN PGP MESSAGE-----", SignatureType.PGP),
            (b"-----BEGIN SIGNED MESSAGE-----", SignatureType.X509),
            (b"-----BEGIN SSH SIGNATURE-----", SignatureType.SSH),
            (b"-----BEGIN PGP SIGNATURE----- ", SignatureType.NONE),
            (b"", SignatureType.NONE),
        ):
            self.assertEqual(signature_type(line), kind)
            self.assertEqual(commit_message(made(HEADERS + b"gpgsig %b\n x\n\nm" % line)).signature_type, kind)


class TagMessageTests(SynchronousTestCase):
    """
    ``tag_message``
    """

    commit = GitObject(ObjectID("c" * 40), b"commit", HEADERS + b"\nm\n")

    def tag(self, message: bytes) -> GitObject:
        """
        A tag object.
        """
        return GitObject(OID, b"tag", b"object x\ntype commit\ntag other\ntagger A <a@x> 7 +0100\n\n" + message)

    def test_annotated(self):
        """
        The name is the ref's, and newlines at the end of the message do not count.
        """
        self.assertEqual(
            tag_message(b"v1", self.tag(b"words\n\n\n"), self.commit),
            Tag(
                name=b"v1",
                id=str(OID),
                target_commit=commit_message(self.commit),
                message=b"words",
                message_size=5,
                tagger=AUTHOR,
            ),
        )
        self.assertFalse(tag_message(b"v1", self.tag(b""), GitObject(OID, b"tree", b"")).HasField("target_commit"))

    def test_lightweight(self):
        """
        A commit is its own target; of anything else only the id is told.
        """
        expected = Tag(name=b"v1", id="c" * 40, target_commit=commit_message(self.commit))
        self.assertEqual(tag_message(b"v1", self.commit), expected)
        self.assertEqual(tag_message(b"v1", GitObject(OID, b"blob", b"")), Tag(name=b"v1", id=str(OID)))

    def test_long(self):
        """
        A long message is cut, and its size is told.
        """
        message = tag_message(b"v1", self.tag(b"x" * 20_000 + b"\n"))
        self.assertEqual((len(message.message), message.message_size), (LONGEST, 20_000))

    def test_signature(self):
        """
        The kind of signature is that of the first block in the message, which has a whole line, and something before it.
        """
        block = b"-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n"
        self.assertEqual(tag_message(b"v1", self.tag(b"words\n" + block)).signature_type, SignatureType.SSH)
        for unknown in (
            block,
            block + block,
            b"words\n-----BEGIN SSH SIGNATURE-----",
            b"-----BEGINNING\n" + block,
            b"\n-----BEGIN\n" + block,
        ):
            self.assertEqual(tag_message(b"v1", self.tag(unknown)).signature_type, SignatureType.NONE, unknown)
        self.assertEqual(tag_message(b"v1", self.tag(b"words\n")).signature_type, SignatureType.NONE)
