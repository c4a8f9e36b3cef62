"""The one door to any network: TLS, proxy, origin check, deadline, retry, caps, strict JSON."""
