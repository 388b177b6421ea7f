"""A fleet of asyncio workers reviews a checkout; one agent is killed, one hangs, and one lost its tool."""
