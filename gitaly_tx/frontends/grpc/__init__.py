"""
Gitaly's gRPC API: grpcio's only room on the server side.
"""
