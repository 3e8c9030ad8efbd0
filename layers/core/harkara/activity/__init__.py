"""Count and index messages from the stream of the Messages table, and answer questions."""
