"""
gitaly_tx: a Git storage server on Twisted.
"""

__version__ = "0.1.0"
