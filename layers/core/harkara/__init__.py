"""Harkara: an SMS gateway that answers to ICS Mobile's API.

Pure modules (no boto3, httpx or powertools): `messages`, `ids`, `segments`, `numbers`, `codes`,
`errors`, `jsons`, `networks`, `accounts`, `carrier_settings`, `http_options`, `http_placeholders`,
`credentials`, `fields`, `parts`, `requests`, `queries`, `hours`, `tasks`, `submit_tasks`, `parked`,
`parked_fields`, `marks`, `retries`, `reasons`, `router`, `routes`, `routing`, `signatures`,
`suppressions`, `keywords`, `keys`, `proxy`, `links`, `text_urls`, `visitors`, `submissions`,
`received`, `exchanges`, `posting`, `events`, `callback_settings`, `callback_fields`,
`callback_urls`, `operator_records`, `times`, `provider_templates`, `platforms`, `callbacks`, `dlt`,
`openapi`. What they need from outside is named in `ports`; `services` use the ports; `aws`,
`carriers` and `http` fill them.
"""
