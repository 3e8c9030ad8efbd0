"""Implement the ports on AWS: DynamoDB, SQS, KMS and Secrets Manager."""
