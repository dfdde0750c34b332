"""
Smart HTTP.
"""

from __future__ import annotations

from urllib.parse import quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import smarthttp
from protocols.git.errors import HTTPRefused
from protocols.git.service import Service
from protocols.git.smarthttp import Exchange, InfoRefs, KeptBundle, bundle_uri, content_type_matches, git_protocol, route

from . import cuts

UPLOAD = b"service=git-upload-pack"


class RouteTests(SynchronousTestCase):
    """
    :func:`route` tells the requests that git makes from all others.
    """

    def refused(self, status: int, method: bytes, path: bytes, query: bytes = b"") -> HTTPRefused:
        """
        Check that a request is refused with a status.
        """
        error = self.assertRaises(HTTPRefused, route, method, path, query)
        self.assertEqual(error.status, status, (method, path, query))
        self.assertTrue(error.text)
        return error

    def test_info_refs(self) -> None:
        """
        An advertisement is asked for with GET, or HEAD, and names its service.
        """
        for service in (Service.UPLOAD_PACK, Service.RECEIVE_PACK):
            for method in (b"GET", b"HEAD"):
                found = route(method, b"/team/thing.git/info/refs", b"service=" + service.value)
                self.assertEqual(found, InfoRefs(service, b"team/thing.git"))

    def test_exchange(self) -> None:
        """
        A service is used with POST.
        """
        self.assertEqual(route(b"POST", b"/a.git/git-upload-pack", b""), Exchange(Service.UPLOAD_PACK, b"a.git"))
        self.assertEqual(route(b"POST", b"/a/b/c/git-receive-pack", b""), Exchange(Service.RECEIVE_PACK, b"a/b/c"))

    def test_bundle(self) -> None:
        """
        A bundle is had with GET, where the list of bundles says that it is.
        """
        name = "0123456789abcdef" * 2
        path = b"/team/thing.git/" + bundle_uri(name)
        self.assertEqual(route(b"GET", path, b""), KeptBundle(b"team/thing.git", name))
        for method in (b"POST", b"HEAD", b"PUT"):
            self.refused(405, method, path)
        wrong = (b"/a/bundles/x.bundle", b"/a/bundles/" + b"A" * 32 + b".bundle", path + b"/", path[:-1], b"/" + bundle_uri(name))
        for other in wrong:
            self.refused(404, b"GET", other)

    def test_decoding(self) -> None:
        """
        Paths are percent-decoded, once; slashes before them do not count.
        """
        for path, repository in (
            (b"/gr%C3%B6%C3%9Fe.git", "größe.git".encode()),
            (b"/a%20b+c.git", b"a b+c.git"),
            (b"/%252e%252e/x", b"%2e%2e/x"),
            (b"/team%2Fthing.git", b"team/thing.git"),
            (b"//thing.git", b"thing.git"),
            (b"/~user/x", b"~user/x"),
            (b"/...", b"..."),
        ):
            self.assertEqual(route(b"POST", path + b"/git-upload-pack", b""), Exchange(Service.UPLOAD_PACK, repository))

    def test_suffix_may_be_encoded(self) -> None:
        """
        The part that says what is wanted is decoded like the rest.
        """
        self.assertEqual(route(b"GET", b"/a/info%2frefs", UPLOAD), InfoRefs(Service.UPLOAD_PACK, b"a"))

    def test_query(self) -> None:
        """
        Other parameters do not count; without a service the client does not know smart HTTP.
        """
        for query in (b"x=1&service=git-upload-pack&&y", b"service=git%2Dupload-pack"):
            self.assertEqual(route(b"GET", b"/a/info/refs", query), InfoRefs(Service.UPLOAD_PACK, b"a"))
        for query in (b"", b"servic=git-upload-pack", b"&"):
            self.assertEqual(route(b"GET", b"/a/info/refs", query), InfoRefs(None, b"a"))

    def test_unknown_service(self) -> None:
        """
        Fault 138: services that are not offered are 403.
        """
        for service in (b"git-evil", b"git-upload-pack;id", b"git-upload-archive", b"", b"upload-pack", b"git-upload-pack%00"):
            self.refused(403, b"GET", b"/a.git/info/refs", b"service=" + service)
        self.refused(403, b"GET", b"/a.git/info/refs", b"service=git-upload-pack&service=git-receive-pack")
        self.refused(403, b"GET", b"/a.git/info/refs", b"service")
        self.refused(403, b"POST", b"/a.git/git-upload-archive")

    def test_traversal(self) -> None:
        """
        Fault 139: nothing leads out of the storage, however it is spelled.
        """
        for path in (b"/..%2f..", b"/%2e%2e", b"/..", b"/../../etc", b"/a/../b", b"/a/./b", b"/a//b", b"/a/..", b"/", b""):
            self.refused(404, b"GET", path + b"/info/refs", UPLOAD)
        self.refused(404, b"POST", b"/" + b"x/" * 2049 + b"x/git-upload-pack")

    def test_bad_paths(self) -> None:
        """
        Fault 139: what is no path is 400.
        """
        for path in (b"/a%00b", b"/a\0b", b"/a%", b"/a%4", b"/a%zz", b"/a%0ab", b"/a%1b", b"/a%ff", b"a", b"http://x/a"):
            self.refused(400, b"GET", path + b"/info/refs", UPLOAD)
        self.refused(400, b"GET", b"", b"")
        self.refused(400, b"OPTIONS", b"*", b"")

    def test_unknown_paths(self) -> None:
        """
        Fault 140: a repository's own files are 404.
        """
        for path in (
            b"/",
            b"/repo.git",
            b"/repo.git/config",
            b"/repo.git/hooks/update.sample",
            b"/repo.git/objects/../config",
            b"/repo.git/objects/pack/../../config",
            b"/repo.git/info/refs/",
            b"/repo.git/objects/pack/pack-1.pack",
            b"/repo.git/git-shell",
            b"/repo.git/git-upload-pack\n",
        ):
            self.refused(400 if path.endswith(b"\n") else 404, b"GET", path, UPLOAD)

    def test_dumb(self) -> None:
        """
        Fault 140: the dumb protocol's files are 403.
        """
        for name in (
            b"HEAD",
            b"objects/info/packs",
            b"objects/info/alternates",
            b"objects/ab/" + b"c" * 38,
            b"objects/ab/" + b"c" * 62,
            b"objects/pack/pack-" + b"a" * 40 + b".idx",
            b"objects/pack/pack-" + b"a" * 64 + b".pack",
        ):
            self.refused(403, b"GET", b"/repo.git/" + name)
            self.refused(405, b"POST", b"/repo.git/" + name)

    def test_methods(self) -> None:
        """
        Fault 141: a wrong method is 405, with those that are right.
        """
        for method in (b"POST", b"PUT", b"TRACE", b"CONNECT", b"OPTIONS", b"get", b""):
            error = self.refused(405, method, b"/a.git/info/refs", UPLOAD)
            self.assertEqual(error.headers, ((b"Allow", b"GET, HEAD"),))
        for method in (b"GET", b"HEAD", b"PUT", b"DELETE"):
            error = self.refused(405, method, b"/a.git/git-upload-pack")
            self.assertEqual(error.headers, ((b"Allow", b"POST"),))

    @cuts.many
    @given(st.text("abc.-%/~ü", min_size=1, max_size=20))
    def test_any_name(self, name: str) -> None:
        """
        A repository's path arrives as it was before it was encoded, or is refused as none.
        """
        path = name.encode()
        encoded = b"/" + quote_from_bytes(path, safe="/").encode()
        parts = path.lstrip(b"/").split(b"/")
        if any(part in (b"", b".", b"..") for part in parts):
            self.refused(404, b"POST", encoded + b"/git-upload-pack")
        else:
            found = route(b"POST", encoded + b"/git-upload-pack", b"")
            self.assertEqual(found, Exchange(Service.UPLOAD_PACK, path.lstrip(b"/")))

    @cuts.many
    @given(
        st.sampled_from([b"GET", b"POST", b"PUT"]),
        st.one_of(st.binary(max_size=30), st.text("/.%2fe0a", max_size=20).map(str.encode)),
        st.sampled_from([b"", b"/info/refs", b"/git-upload-pack", b"/HEAD"]),
        st.one_of(st.binary(max_size=30), st.just(UPLOAD)),
    )
    def test_junk(self, method: bytes, path: bytes, suffix: bytes, query: bytes) -> None:
        """
        Junk is refused; what is let through cannot climb.
        """
        try:
            found = route(method, b"/" + path + suffix, query)
        except HTTPRefused as error:
            self.assertIn(error.status, (400, 403, 404, 405))
            return
        self.assertFalse(set(found.path.split(b"/")) & {b"", b".", b".."})
        self.assertNotIn(b"\0", found.path)


class HeaderTests(SynchronousTestCase):
    """
    Headers are what git sends and expects.
    """

    def test_types(self) -> None:
        """
        Content types carry the service's name.
        """
        self.assertEqual(smarthttp.advertisement_type(Service.UPLOAD_PACK), b"application/x-git-upload-pack-advertisement")
        self.assertEqual(smarthttp.request_type(Service.RECEIVE_PACK), b"application/x-git-receive-pack-request")
        self.assertEqual(smarthttp.result_type(Service.UPLOAD_PACK), b"application/x-git-upload-pack-result")

    def test_content_type(self) -> None:
        """
        A request must have its service's type.
        """
        right = b"application/x-git-upload-pack-request"
        for header in (right, right.upper(), b" " + right + b" ; charset=utf-8"):
            self.assertTrue(content_type_matches(Service.UPLOAD_PACK, header))
        for wrong in (None, b"", b"application/x-git-receive-pack-request", b"text/plain; " + right, right + b"x"):
            self.assertFalse(content_type_matches(Service.UPLOAD_PACK, wrong))

    def test_no_cache(self) -> None:
        """
        Nobody keeps an answer.
        """
        self.assertIn(b"no-cache", dict(smarthttp.NO_CACHE)[b"Cache-Control"])

    def test_git_protocol(self) -> None:
        """
        Only the two versions are taken, the higher first, and nothing of the client's own making (faults 124 and 150).
        """
        for header, version in (
            (None, ""),
            (b"", ""),
            (b"version=1", "version=1"),
            (b"version=2", "version=2"),
            (b"version=1:version=2", "version=2"),
            (b"version=2:LD_PRELOAD=/x", "version=2"),
            (b"key=value:version=1", "version=1"),
            (b"version=0", ""),
            (b"version=3", ""),
            (b"version=2 ", ""),
            (b"Version=2", ""),
            (b"version=2\0X=1", ""),
            (b"version=2\n", ""),
            (b"version=2:\xff", ""),
            (b"version=2:" + b"x" * 300, ""),
        ):
            self.assertEqual(git_protocol(header), version, header)

    @cuts.few
    @given(st.binary(max_size=40))
    def test_git_protocol_junk(self, header: bytes) -> None:
        """
        Whatever comes, there are three answers.
        """
        self.assertIn(git_protocol(header), ("", "version=1", "version=2"))
