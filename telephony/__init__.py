"""Words that all sides speak: numbers, SIP URIs and statuses, the manifest, and the dispatch contract.

Imports nothing of ours and does no I/O but reading the manifest file.
"""
