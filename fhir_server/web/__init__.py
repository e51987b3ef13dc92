"""HTTP: routes, negotiation, headers, errors, health. The only room that knows FastAPI and Starlette."""
