"""A fleet of asyncio workers reviews a checkout; one agent crashes, one hangs, and one lost its tool."""
