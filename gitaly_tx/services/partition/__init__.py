"""
PartitionService.
"""
