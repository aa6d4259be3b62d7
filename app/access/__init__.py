"""Access: who may call, and as whom.

It owns users, API keys and refresh tokens. A user signs in by e-mail and password and holds an access token for a
quarter of an hour; a refresh token is used once and begets the next, and using one twice ends the whole family.
Passwords, keys and refresh tokens are kept as hashes only. A user is active until disabled and a key until it is
revoked or expires, and either bites within a second in every process. Only administrators make users and keys.
"""
