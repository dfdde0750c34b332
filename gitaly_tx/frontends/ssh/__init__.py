"""
git over SSH: an in-process client of ``SSHService``.

Three commands are known, in either of git's spellings; there is no shell, no forwarding and no subsystem. ``ssh HOST`` without a
command says who you are and what you may reach.
"""
