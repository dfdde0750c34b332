"""
What ``twistd`` finds: the name of the plugin, and the name of the module that does the work.
"""

from twisted.application.service import ServiceMaker

gitaly = ServiceMaker(
    "gitaly_tx",
    "gitaly_tx.tap",
    "A Git storage server: Gitaly's gRPC API, git over SSH and smart HTTP.",
    "gitaly",
)
