"""Run in Lambda: batches from SQS, logs and metrics, settings."""
