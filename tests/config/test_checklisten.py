"""
Tests for :mod:`gitaly_tx.config.checklisten`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from .test_check import complaints

USER = '[[user]]\nname = "alpha"\nadmin = true\ntokens = ["sha256:' + "0" * 64 + '"]\n'
RULE = '[[rule]]\nrepositories = ["**"]\nusers = ["@anyone"]\nallow = "read"\n'
TOKEN = '[auth]\ntoken = "secret"\n'


class ListenTests(SynchronousTestCase):
    """
    Nothing is open to the world by accident.
    """

    def test_open_listeners(self) -> None:
        """
        HTTP and SSH beyond this machine need users or rules; gRPC needs the token, whatever users there are.
        """
        protections = {"": "", "users": USER, "rules": RULE, "token": TOKEN, "everything": USER + RULE + TOKEN}
        enough = {
            "http.listen_addr": {"users", "rules", "everything"},
            "ssh.listen_addr": {"users", "rules", "everything"},
            "listen_addr": {"token", "everything"},
            "grpc.direct_listen_addr": {"token", "everything"},
        }
        for key, good in enough.items():
            table, _, name = key.rpartition(".")
            head = f"[{table}]\n" if table else ""
            for address in ("0.0.0.0:80", ":80", "[::]:80", "192.0.2.1:80", "git.example.com:80"):
                for protection, text in protections.items():
                    found = [one for one, _ in complaints(f'{head}{name} = "{address}"\n{text}') if not one.startswith("?")]
                    self.assertEqual(found, [] if protection in good else [key], (key, address, protection))
            for address in ("127.0.0.1:80", "[::1]:80", "localhost:80"):
                self.assertEqual(complaints(f'{head}{name} = "{address}"\n'), [], (key, address))

    def test_anonymous_read(self) -> None:
        """
        ``anonymous_read`` is a rule: with it nobody may write, so listeners may be open.
        """
        self.assertEqual(complaints('anonymous_read = true\n[http]\nlisten_addr = ":80"\n'), [])

    def test_insecure(self) -> None:
        """
        An operator who says so may listen wherever they like.
        """
        self.assertEqual(complaints('listen_addr = ":1"\n[http]\nlisten_addr = ":80"\n', insecure=True), [])

    def test_transitioning(self) -> None:
        """
        A token that nobody has to show is worth a warning.
        """
        found = complaints(f'listen_addr = ":1"\n{TOKEN}transitioning = true\n')
        self.assertEqual([key for key, _ in found], ["?listen_addr"])

    def test_socket_needs_nothing(self) -> None:
        """
        A socket is protected by its directory, and monitoring shows nothing of repositories.
        """
        self.assertEqual(complaints('socket_path = "s"\nprometheus_listen_addr = ":9236"\n'), [])

    def test_nowhere(self) -> None:
        """
        A server without any listener is a mistake.
        """
        text = 'listen_addr = ""\nprometheus_listen_addr = ""\n[http]\nlisten_addr = ""\n[ssh]\nlisten_addr = ""\n'
        self.assertEqual(complaints(text), [("", "the server listens nowhere")])

    def test_clashes(self) -> None:
        """
        Two listeners cannot have one address; port 0 is another one each time.
        """

        def clash(one: str, other: str) -> bool:
            text = f'listen_addr = "{one}"\nprometheus_listen_addr = "{other}"\n'
            return "prometheus_listen_addr" in [key for key, _ in complaints(text, insecure=True)]

        for one, other in (
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("localhost:1", "127.0.0.1:1"),
            (":1", "127.0.0.1:1"),
            ("10.0.0.1:1", "0.0.0.0:1"),
            ("[::]:1", "10.0.0.1:1"),
        ):
            self.assertTrue(clash(one, other), (one, other))
        for one, other in (
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:1", "127.0.0.1:2"),
            ("127.0.0.1:1", "10.0.0.1:1"),
            ("0.0.0.0:1", "[::1]:1"),
        ):
            self.assertFalse(clash(one, other), (one, other))

    def test_certificates(self) -> None:
        """
        TLS needs a certificate and its key, and both must be readable.
        """
        pem = os.path.abspath(self.mktemp())
        open(pem, "w").close()
        both = f'certificate_path = "{pem}"\nkey_path = "{pem}"\n'
        self.assertEqual(complaints(f'tls_listen_addr = "127.0.0.1:1"\n[tls]\n{both}'), [])
        self.assertEqual(complaints(f"[http]\n{both}"), [])
        found = [key for key, _ in complaints('tls_listen_addr = "127.0.0.1:1"\n')]
        self.assertEqual(found, ["tls.certificate_path", "tls.key_path"])
        found = [
            key for key, _ in complaints('tls_listen_addr = "127.0.0.1:1"\n[tls]\ncertificate_path = "/none"\nkey_path = "/none"')
        ]
        self.assertEqual(found, ["tls.certificate_path", "tls.key_path"])
        self.assertEqual([key for key, _ in complaints(f'[http]\nkey_path = "{pem}"\n')], ["http.certificate_path"])
        self.assertEqual([key for key, _ in complaints(f'[http]\ncertificate_path = "{pem}"\n')], ["http.key_path"])
