//! Asks registries and layouts: HTTP, credentials, cache, OCI image layouts.
