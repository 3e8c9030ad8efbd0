"""Harkara: an SMS gateway with an API compatible with ICS Mobile's.

A folder imports only from folders below it in this list; tests/unit/test_architecture.py reads it.

    wiring       build each function's services from its adapters
    aws          keep and queue data in DynamoDB, SQS, KMS and Secrets Manager
    net          request the URLs of carriers and customers
    api          answer HTTP: routes, authentication, errors
    runtime      run in Lambda: batches from SQS, logs, metrics, settings
    scheduler    enqueue tasks that are due
    manage       let an account read and change its messages, resources and users
    activity     count and index messages, and answer questions about them
    inbound      take opt-outs and replies
    receipts     turn carriers' receipts into final states
    submit       take a batch from the queue to its carriers
    accept       turn a request into a stored batch and a reference in the queue
    links        shorten links, and follow clicks
    callbacks    post final states and events to platforms
    state        share rates, circuit breakers and endpoint health among all processes
    ports        declare the interfaces that the services need from outside
    carriers     speak each provider's protocol
    model        describe accounts, messages and tasks as plain data
    dlt          match texts with DLT templates
    text         read phone numbers, measure texts
    base         errors, ids, JSON, time
"""
