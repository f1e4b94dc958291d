"""What the core and a plugin agree on; nothing here imports torch or numpy."""
