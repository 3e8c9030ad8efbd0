"""Harkara: an SMS gateway that answers to ICS Mobile's API.

A folder imports only from folders below it in this list; tests/unit/test_architecture.py reads it.

    wiring       build what the functions run on from its parts
    aws          keep and queue things in DynamoDB, SQS, KMS and Secrets Manager
    net          request URLs: of carriers, and those that customers give
    api          answer HTTP: routes, authentication, errors
    runtime      run in Lambda: batches from SQS, logs, metrics, settings
    scheduler    enqueue what is due
    manage       let an account read and change what it has sent and registered
    inbound      take opt-outs and replies
    receipts     turn carriers' receipts into final states
    submit       take a batch from the queue to its carriers
    accept       turn a request into a stored batch and a reference in the queue
    links        shorten links, and follow clicks
    callbacks    post final states and events to platforms
    state        share rates, circuit breakers and endpoint health among all processes
    ports        name what the services need from outside
    carriers     speak each provider's protocol
    model        describe accounts, messages and tasks as plain data
    dlt          match texts with DLT templates
    text         read phone numbers, measure texts
    base         errors, ids, JSON, time
"""
