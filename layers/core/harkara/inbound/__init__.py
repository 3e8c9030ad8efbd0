"""Take messages from phones: opt-outs, and replies for platforms."""
