"""Second implementation of the stored format, version 1, written from FORMAT.md alone.

It exists to make and check the test vectors. It is not constant time and keeps nothing secret:
never use it on real data.
"""
