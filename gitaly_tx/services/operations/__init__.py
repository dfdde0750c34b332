"""
OperationService.
"""
