"""
BlobService.
"""
