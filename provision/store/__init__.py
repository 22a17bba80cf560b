"""What provisioning remembers: the lock of a deployment, snapshots before a change, where the last apply stood.

Losing it loses no safety, since the truth is read from the servers. It is a SQLite file beside the manifest, or a
PostgreSQL database that a team and its CI share; `provision.store.store` opens either.
"""
