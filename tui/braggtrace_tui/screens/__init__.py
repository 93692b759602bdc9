"""The screens. They receive immutable snapshots and never touch files or the physics."""
