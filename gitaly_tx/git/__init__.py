"""
Running git, and reading and writing repositories on disk.

git makes and checks packs; whatever is a look-up of a ref or an object is done in this process.
"""
