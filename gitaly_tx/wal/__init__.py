"""
The write-ahead log: what makes an acknowledged write durable.

Every storage has one log. Each write to each repository is one entry in it, and entries that wait together share one fsync.
"""
