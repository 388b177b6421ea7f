"""The asyncio API; import it from ``aragora_cp``."""
