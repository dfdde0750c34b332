"""
The generated modules are in step with the ``.proto`` files.
"""

from __future__ import annotations

import contextlib
import io

from twisted.trial.unittest import SynchronousTestCase

from protocols.generate import main


class GeneratedTests(SynchronousTestCase):
    """
    ``python -m protocols.generate --check``.
    """

    def test_in_step(self):
        """
        Generating anew would change nothing.
        """
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = main(["--check"])
        self.assertEqual(status, 0, said.getvalue())
