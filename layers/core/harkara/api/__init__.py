"""Answer HTTP: routes, authentication, and one shape for every error."""
