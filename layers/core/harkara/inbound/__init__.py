"""Take what phones send: opt-outs, and replies for platforms."""
