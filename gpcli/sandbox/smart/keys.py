"""The keys that sign ID tokens; kept in the state, so that a restart changes nothing."""

import json

from joserfc.jwk import ECKey, KeySet, RSAKey, import_key

from gpcli.sandbox.smart.database import Database

SIGNING_ALGORITHM = "ES256"


def signing_keys(database: Database) -> KeySet:
    """The portal's private keys, made on first use: an EC one that signs, an RSA one beside it.

    The RSA key signs nothing: it is there so that clients have to choose by `kid` and `alg`.
    """
    with database.transaction() as connection:
        rows = connection.execute("SELECT jwk FROM smart_key ORDER BY rowid").fetchall()
        if rows:
            return KeySet([import_key(json.loads(row["jwk"])) for row in rows])
        keys = _make_keys()
        for key in keys.keys:
            connection.execute(
                "INSERT INTO smart_key VALUES (?, ?)",
                (key.kid, json.dumps(key.as_dict(private=True))),
            )
    return keys


def _make_keys() -> KeySet:
    elliptic = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    rsa = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    return KeySet([elliptic, rsa])


def signing_key(keys: KeySet) -> ECKey:
    """The key of a set that signs ID tokens."""
    return next(key for key in keys.keys if isinstance(key, ECKey))
