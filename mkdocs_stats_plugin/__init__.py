"""Live, honest reader statistics for MkDocs: the part that runs inside the build."""

__version__ = "0.1.0"
